import Specimens
import Support

/// Reads the directories of a file by a ``TIFFDirectoryWalk``.
///
/// The walk goes on where the bytes come, because each step takes microseconds. It is a loop and no chain of promises:
/// 10,000 of those, each resolved by the next, would use up the stack.
final class TIFFDirectoryReader: Sendable {
    private let source: any ByteSource
    private let token: CancellationToken
    private let resolver: Promise<TIFFDirectoryWalk, TIFFError>.Resolver
    // One thread at a time uses the walk. The monitor is what makes that visible to the next one.
    private let walk: Monitor<TIFFDirectoryWalk>

    /// The walk at its end: one page or more.
    static func finishedWalk(
        of source: any ByteSource, token: CancellationToken
    ) -> Promise<TIFFDirectoryWalk, TIFFError> {
        let (promise, resolver) = Promise<TIFFDirectoryWalk, TIFFError>.pending()
        TIFFDirectoryReader(source, token, resolver).run()
        return promise
    }

    private init(
        _ source: any ByteSource, _ token: CancellationToken, _ resolver: Promise<TIFFDirectoryWalk, TIFFError>.Resolver
    ) {
        self.source = source
        self.token = token
        self.resolver = resolver
        walk = Monitor(TIFFDirectoryWalk(length: source.length))
    }

    private func run() {
        while let missing = step() {
            let reading = source.bytes(missing, token: token)
            guard let result = reading.result else {
                reading.whenDone { result in
                    if self.take(result, at: missing.lowerBound) { self.run() }
                }
                return
            }
            guard take(result, at: missing.lowerBound) else { return }
        }
    }

    /// Goes on with the bytes that there are. Returns the bytes that are missing, nil once the promise is resolved.
    private func step() -> Range<Int>? {
        guard !token.isCancelled else {
            resolver.resolve(.failure(.source(.cancelled)))
            return nil
        }
        do throws(TIFFFault) {
            let step = try walk.withLock { walk throws(TIFFFault) in try walk.advance() }
            if case .needs(let missing) = step { return missing }
            resolver.resolve(.success(walk.withLock { $0 }))
        } catch {
            resolver.resolve(.failure(.fault(error)))
        }
        return nil
    }

    private func take(_ result: Result<[UInt8], TIFFError>, at start: Int) -> Bool {
        switch result {
        case .success(let bytes):
            walk.withLock { $0.take(bytes, at: start) }
            return true
        case .failure(let error):
            resolver.resolve(.failure(error))
            return false
        }
    }
}
