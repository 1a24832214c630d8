/// The result of work that may end later, on any thread.
///
/// A promise is resolved once, with a value or a failure. A promise that is resolved when it is made costs no allocation, so
/// that an answer from memory stays as cheap as a return value. Copies share the result.
package struct Promise<Value: Sendable, Failure: Error>: Sendable {
    private enum State: Sendable {
        case resolved(Result<Value, Failure>)
        case pending(Resolver)
    }

    private let state: State

    /// A promise that is resolved with `result`.
    package init(_ result: Result<Value, Failure>) { state = .resolved(result) }

    private init(_ resolver: Resolver) { state = .pending(resolver) }

    /// A promise that is not resolved, and the object that resolves it.
    ///
    /// The caller must resolve it in any case: a promise whose resolver goes away calls none of its handlers.
    package static func pending() -> (Promise, Resolver) {
        let resolver = Resolver()
        return (Promise(resolver), resolver)
    }

    /// The right to resolve one promise. Any thread may use it.
    package final class Resolver: Sendable {
        private enum Progress {
            case waiting([@Sendable (Result<Value, Failure>) -> Void])
            case done(Result<Value, Failure>)

            var result: Result<Value, Failure>? { if case .done(let result) = self { result } else { nil } }
        }

        private let progress = Monitor(Progress.waiting([]))

        fileprivate init() {}

        /// Resolves the promise, unless that has happened, and runs its handlers on the calling thread.
        ///
        /// - Returns: whether this call was the first.
        @discardableResult
        package func resolve(_ result: Result<Value, Failure>) -> Bool {
            let handlers = progress.update { progress -> [@Sendable (Result<Value, Failure>) -> Void]? in
                guard case .waiting(let handlers) = progress else { return nil }
                progress = .done(result)
                return handlers
            }
            guard let handlers else { return false }
            for handler in handlers { handler(result) }
            return true
        }

        fileprivate var result: Result<Value, Failure>? { progress.withLock { $0.result } }

        fileprivate func wait() -> Result<Value, Failure> { progress.wait { $0.result } }

        fileprivate func whenDone(_ body: @escaping @Sendable (Result<Value, Failure>) -> Void) {
            let result = progress.withLock { progress -> Result<Value, Failure>? in
                switch progress {
                case .done(let result):
                    return result
                case .waiting(var handlers):
                    // Emptied first, so that the array is not copied for each further handler.
                    progress = .waiting([])
                    handlers.append(body)
                    progress = .waiting(handlers)
                    return nil
                }
            }
            if let result { body(result) }
        }
    }

    /// The result, nil while there is none.
    package var result: Result<Value, Failure>? {
        switch state {
        case .resolved(let result): result
        case .pending(let resolver): resolver.result
        }
    }

    /// Calls `body` once with the result: at once on the calling thread when there is one, else on the thread that resolves
    /// the promise. No lock is held meanwhile. Handlers that wait run in the order in which they were added.
    package func whenDone(_ body: @escaping @Sendable (Result<Value, Failure>) -> Void) {
        switch state {
        case .resolved(let result): body(result)
        case .pending(let resolver): resolver.whenDone(body)
        }
    }

    /// Blocks until the promise is resolved. For tests and tools: never called on a FUSE, transport or worker thread.
    package func wait() -> Result<Value, Failure> {
        switch state {
        case .resolved(let result): result
        case .pending(let resolver): resolver.wait()
        }
    }

    /// A promise of the value that `transform` makes from this one's. A failure stays as it is.
    package func map<NewValue: Sendable>(
        _ transform: @escaping @Sendable (Value) -> NewValue
    ) -> Promise<NewValue, Failure> {
        then { Promise<NewValue, Failure>($0.map(transform)) }
    }

    /// A promise of the failure that `transform` makes from this one's. A value stays as it is.
    package func mapError<NewFailure: Error>(
        _ transform: @escaping @Sendable (Failure) -> NewFailure
    ) -> Promise<Value, NewFailure> {
        then { Promise<Value, NewFailure>($0.mapError(transform)) }
    }

    /// A promise of the result of the work that `transform` starts with the value. A failure starts nothing.
    package func flatMap<NewValue: Sendable>(
        _ transform: @escaping @Sendable (Value) -> Promise<NewValue, Failure>
    ) -> Promise<NewValue, Failure> {
        then { result in
            switch result {
            case .success(let value): transform(value)
            case .failure(let failure): Promise<NewValue, Failure>(.failure(failure))
            }
        }
    }

    /// A promise of the result of the work that `transform` starts with the failure. A value stays as it is.
    package func flatMapError(_ transform: @escaping @Sendable (Failure) -> Promise) -> Promise {
        then { result in
            switch result {
            case .success: Promise(result)
            case .failure(let failure): transform(failure)
            }
        }
    }

    /// The promise that `next` answers once there is a result.
    private func then<NewValue: Sendable, NewFailure: Error>(
        _ next: @escaping @Sendable (Result<Value, Failure>) -> Promise<NewValue, NewFailure>
    ) -> Promise<NewValue, NewFailure> {
        if let result { return next(result) }
        let (promise, resolver) = Promise<NewValue, NewFailure>.pending()
        whenDone { result in next(result).whenDone { resolver.resolve($0) } }
        return promise
    }

    /// A promise of all values, in the order of `promises`. The first failure resolves it without waiting for the rest.
    package static func all(_ promises: [Promise]) -> Promise<[Value], Failure> {
        let results = promises.compactMap(\.result)
        if results.count == promises.count {
            do throws(Failure) {
                return Promise<[Value], Failure>(
                    .success(try results.map { result throws(Failure) in try result.get() }))
            } catch {
                return Promise<[Value], Failure>(.failure(error))
            }
        }
        let (promise, resolver) = Promise<[Value], Failure>.pending()
        let gathered = Monitor(Gathered(values: Array(repeating: nil, count: promises.count), missing: promises.count))
        for (index, part) in promises.enumerated() {
            part.whenDone { result in
                switch result {
                case .success(let value):
                    if let values = gathered.withLock({ $0.add(value, at: index) }) {
                        resolver.resolve(.success(values))
                    }
                case .failure(let failure):
                    resolver.resolve(.failure(failure))
                }
            }
        }
        return promise
    }

    /// The values that ``all(_:)`` has so far.
    private struct Gathered {
        var values: [Value?]
        var missing: Int

        /// Returns all values once `value` was the last that was missing.
        mutating func add(_ value: Value, at index: Int) -> [Value]? {
            values[index] = value
            missing -= 1
            return missing == 0 ? values.compactMap { $0 } : nil
        }
    }
}
