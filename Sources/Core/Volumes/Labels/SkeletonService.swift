package import Logging
package import Morphology
package import Specimens
package import Support

/// Skeletons and what is made of them: parsed on first need, indexed for painting, kept in bounded memory.
package final class SkeletonService: Sendable {
    private let files: FileReader
    private let workers: WorkerPool
    private let logger: Logger
    private let sources: MemoryCache<SourceKey, any LabelSource>
    private let flights: FlightTable<SourceKey, any LabelSource, VolumeError>
    /// Files whose warnings are in the log: many variants and levels are drawn from one.
    private let warned = Monitor<Set<ObjectVersion>>([])

    private struct SourceKey: Hashable, Sendable {
        var specimen: Int
        var fileVersion: Int
        var markerVersion: Int
        var variant: LabelVariant
        var level: Int
        var units: LengthUnit?
        var grid: VoxelGrid

        init(
            _ subject: Subject, _ variant: LabelVariant, _ level: Int, _ version: FileReader.Version,
            marker: FileReader.Version?
        ) {
            specimen = subject.specimen
            fileVersion = version.object.number
            markerVersion = marker?.object.number ?? 0
            self.variant = variant
            self.level = level
            units = subject.units
            grid = subject.grid
        }
    }

    /// The most bytes that a skeleton may have; the largest of 509 real ones has 1.85 MB.
    package static let largestSkeleton = 64 << 20

    /// A service that keeps up to `memory` bytes of label indices.
    package init(files: FileReader, workers: WorkerPool, memory: Int, logger: Logger) {
        self.files = files
        self.workers = workers
        self.logger = logger
        flights = FlightTable(cancelled: .cancelled, logger: logger)
        sources = MemoryCache(limit: memory)
    }

    /// The files and the frame that labels are made from.
    package struct Subject: Sendable {
        /// The specimen.
        package var specimen: Int
        /// Its skeleton.
        package var skeleton: SourceObject
        /// The units of its numbers; nil for those that the file states, else um.
        package var units: LengthUnit?
        /// Its marker file, where there is one.
        package var marker: SourceObject?
        /// The voxel grid of the stack.
        package var grid: VoxelGrid

        /// A subject with every field given.
        package init(
            specimen: Int, skeleton: SourceObject, units: LengthUnit? = nil, marker: SourceObject?, grid: VoxelGrid
        ) {
            self.specimen = specimen
            self.skeleton = skeleton
            self.units = units
            self.marker = marker
            self.grid = grid
        }
    }

    /// The parsed skeleton of `subject`, for what is not painted: the table of instance ids, a preview.
    package func skeleton(
        of subject: Subject, token: CancellationToken
    ) -> Promise<Derived<Skeleton>, VolumeError> {
        files.wholeFile(subject.skeleton, limit: Self.largestSkeleton, token: token).flatMap { [self] file in
            onWorker { [self] in
                do throws(SWCError) {
                    let skeleton = try Self.parse(file.value, subject.units, subject.grid)
                    return .success(file.map { _ in skeleton })
                } catch {
                    log(subject, "\(error)")
                    return .failure(.skeleton(error))
                }
            }
        }
    }

    /// What `body` makes, on a worker.
    private func onWorker<Value: Sendable>(
        _ body: @escaping @Sendable () -> Result<Value, VolumeError>
    ) -> Promise<Value, VolumeError> {
        let (promise, resolver) = Promise<Value, VolumeError>.pending()
        let isQueued = workers.submit { resolver.resolve(body()) }
        if !isQueued { resolver.resolve(.failure(.shutDown)) }
        return promise
    }

    /// The labels of `subject` as ``labels(of:variant:level:token:)`` gives them, where they are in memory.
    package func cachedLabels(of subject: Subject, variant: LabelVariant, level: Int = 0) -> (any LabelSource)? {
        guard let version = files.cachedVersion(of: subject.skeleton) else { return nil }
        guard variant == .ignore, let marker = subject.marker else {
            return sources[SourceKey(subject, variant, level, version, marker: nil)]
        }
        return files.cachedVersion(of: marker).flatMap {
            sources[SourceKey(subject, variant, level, version, marker: $0)]
        }
    }

    /// What reading a skeleton shows. The same file always gives the same.
    package enum Reading: Sendable {
        /// It is well formed; where it does not fit its stack, `misfit` says why.
        case read(SkeletonFindings, misfit: String?)
        /// It is malformed.
        case malformed(SWCError)
    }

    /// What reading the skeleton at `file` shows, without a line in the log: labels that are asked for tell it.
    /// - Parameters:
    ///   - units: of its numbers; nil for those that the file states, else um.
    ///   - grid: the voxel grid of its stack, where there is one.
    package func reading(
        of file: SourceObject, units: LengthUnit?, in grid: VoxelGrid?, token: CancellationToken
    ) -> Promise<Derived<Reading>, VolumeError> {
        files.wholeFile(file, limit: Self.largestSkeleton, token: token).flatMap { [self] file in
            onWorker {
                let reading: Reading
                do throws(SWCError) {
                    let skeleton = try Self.parse(file.value, units, grid)
                    reading = .read(skeleton.findings, misfit: grid?.refusal(of: skeleton))
                } catch {
                    reading = .malformed(error)
                }
                return .success(file.map { _ in reading })
            }
        }
    }

    /// - Parameter grid: what columns, rows and planes are, should the file count in them.
    private static func parse(
        _ bytes: [UInt8], _ units: LengthUnit?, _ grid: VoxelGrid?
    ) throws(SWCError) -> Skeleton {
        guard let grid else { return try Skeleton.parse(bytes, units: units) }
        return try Skeleton.parse(bytes, units: units, voxel: SIMD3(grid.spacingX, grid.spacingY, grid.spacingZ))
    }

    /// The labels of `subject` in one variant at one pyramid level (0 = full resolution).
    package func labels(
        of subject: Subject, variant: LabelVariant, level: Int = 0, token: CancellationToken
    ) -> Promise<Derived<any LabelSource>, VolumeError> {
        files.present(token: token) { [self] in
            files.version(of: subject.skeleton, token: token).flatMap { [self] version in
                guard variant == .ignore, let marker = subject.marker else {
                    return labels(subject, variant, level, version, marker: nil, token: token)
                }
                return files.version(of: marker, token: token).flatMap { [self] marker in
                    labels(subject, variant, level, version, marker: marker, token: token)
                }
            }
        }
    }

    private func labels(
        _ subject: Subject, _ variant: LabelVariant, _ level: Int, _ version: FileReader.Version,
        marker: FileReader.Version?, token: CancellationToken
    ) -> Promise<Derived<any LabelSource>, VolumeError> {
        let key = SourceKey(subject, variant, level, version, marker: marker)
        let files = [version] + (marker.map { [$0] } ?? [])
        let versions = files.map(\.object)
        if let source = sources[key] { return Promise(.success(Derived(value: source, versions: versions))) }
        return flights.join(key, token: token) { [self] token in
            Promise.all(files.map { read($0, token: token) }).flatMap { [self] parts in
                onWorker { [self] in
                    build(subject, key, skeleton: parts[0], marker: parts.count > 1 ? parts[1] : nil)
                }
            }
        }
        .map { Derived(value: $0, versions: versions) }
    }

    private func read(_ version: FileReader.Version, token: CancellationToken) -> Promise<[UInt8], VolumeError> {
        guard version.length <= Self.largestSkeleton else {
            let reason = "\(version.length) bytes are no skeleton"
            return Promise(.failure(.unusable(object: version.file.id, reason: reason)))
        }
        return files.read(version, 0..<version.length, token: token)
    }

    private func build(
        _ subject: Subject, _ key: SourceKey, skeleton bytes: [UInt8], marker: [UInt8]?
    ) -> Result<any LabelSource, VolumeError> {
        let skeleton: Skeleton
        let markers: [Marker]
        do throws(SWCError) {
            skeleton = try Self.parse(bytes, subject.units, subject.grid)
            let (scale, grid) = (skeleton.findings.scale, subject.grid)
            markers =
                try marker.map { bytes throws(SWCError) in
                    try Marker.parse(
                        bytes, scale: scale, voxel: SIMD3(grid.spacingX, grid.spacingY, grid.spacingZ))
                } ?? []
        } catch {
            log(subject, "\(error)")
            return .failure(.skeleton(error))
        }
        if let reason = subject.grid.refusal(of: skeleton) {
            log(subject, reason)
            return .failure(.misfit(reason: reason))
        }
        warn(subject, ObjectVersion(id: subject.skeleton.id, number: key.fileVersion), skeleton.findings.warnings)
        do throws(LabelError) {
            let source = try key.variant.source(of: skeleton, markers: markers, in: subject.grid.level(key.level))
            sources.insert(source, for: key, cost: source.footprint)
            return .success(source)
        } catch {
            log(subject, "\(error)")
            return .failure(.labels(error))
        }
    }

    /// Writes what is odd about a skeleton that is drawn all the same, once for each version of its file.
    private func warn(_ subject: Subject, _ version: ObjectVersion, _ warnings: [String]) {
        guard !warnings.isEmpty, warned.withLock({ $0.insert(version).inserted }) else { return }
        for warning in warnings {
            logger.warning(
                "a skeleton is not as it should be",
                metadata: [
                    "specimen": "\(subject.specimen)", "file": "\(files.address(of: subject.skeleton))",
                    "reason": "\(warning)",
                ])
        }
    }

    private func log(_ subject: Subject, _ reason: String) {
        logger.error(
            "no labels from this skeleton",
            metadata: [
                "specimen": "\(subject.specimen)", "file": "\(files.address(of: subject.skeleton))",
                "reason": "\(reason)",
            ])
    }
}
