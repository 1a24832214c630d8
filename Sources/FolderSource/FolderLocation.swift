package import Specimens

/// Where a folder source is, and how a mount shows it: `folder:PATH[,name=NAME][,spacing=X,Y,Z]`.
package struct FolderLocation: Hashable, Sendable, CustomStringConvertible {
    /// The folder, as the user wrote it.
    package var path: String
    /// The name of its folder at the top of the mount, by default the last part of the path.
    package let name: String
    /// The distance of two voxels of the images that do not say it themselves.
    package let spacing: VoxelSpacing?

    /// What a location begins with.
    package static let prefix = "folder:"

    /// Reads a location.
    ///
    /// The options begin at the first `,name=` or `,spacing=`, so that a path may hold commas.
    package init(_ text: String) throws(FolderLocationError) {
        guard text.hasPrefix(Self.prefix) else {
            throw FolderLocationError("\"\(text)\" does not begin with \"\(Self.prefix)\"")
        }
        var rest = text.dropFirst(Self.prefix.count)
        path = String(Self.cut(&rest))
        guard !path.isEmpty else { throw FolderLocationError("\"\(text)\" names no folder: write folder:PATH") }
        guard !path.utf8.contains(0) else { throw FolderLocationError("a path holds no NUL character") }
        var name: String?
        var spacing: VoxelSpacing?
        while !rest.isEmpty {
            let isName = rest.hasPrefix(Self.nameMark)
            rest = rest.dropFirst(isName ? Self.nameMark.count : Self.spacingMark.count)
            let value = String(Self.cut(&rest))
            if isName {
                guard name == nil else { throw FolderLocationError("\"\(text)\" has two names: leave one") }
                name = value
            } else {
                guard spacing == nil else { throw FolderLocationError("\"\(text)\" has two spacings: leave one") }
                spacing = try Self.spacing(value)
            }
        }
        self.spacing = spacing
        if let name {
            guard Self.isName(name) else {
                throw FolderLocationError(
                    "\"\(name)\" cannot be the name of a folder: 1 to 255 bytes, no slash, no dot at the start")
            }
            self.name = name
        } else {
            guard let last = path.split(separator: "/").last.map(String.init), Self.isName(last) else {
                throw FolderLocationError("the last part of \"\(path)\" cannot be a name: add ,name=NAME")
            }
            self.name = last
        }
    }

    /// The location as ``init(_:)`` reads it.
    package var description: String {
        let option = spacing.map { "\(Self.spacingMark)\($0.x),\($0.y),\($0.z)" } ?? ""
        return "\(Self.prefix)\(path)\(Self.nameMark)\(name)\(option)"
    }

    private static let nameMark = ",name="
    private static let spacingMark = ",spacing="

    /// Removes from `rest` what comes before the next option, and returns it.
    private static func cut(_ rest: inout Substring) -> Substring {
        let ends = [nameMark, spacingMark].compactMap { rest.firstRange(of: $0)?.lowerBound }
        let end = ends.min() ?? rest.endIndex
        defer { rest = rest[end...] }
        return rest[..<end]
    }

    private static func spacing(_ text: String) throws(FolderLocationError) -> VoxelSpacing {
        let numbers = text.split(separator: ",", omittingEmptySubsequences: false).map { Double($0) ?? .nan }
        guard numbers.count == 3, let spacing = VoxelSpacing.possible(x: numbers[0], y: numbers[1], z: numbers[2])
        else {
            throw FolderLocationError(
                "spacing=\(text) is no distance of voxels: write three numbers of micrometres, spacing=X,Y,Z")
        }
        return spacing
    }

    /// Whether `text` can be the name of a folder of the mount that is not hidden.
    static func isName(_ text: String) -> Bool {
        (1...255).contains(text.utf8.count) && !text.utf8.contains(0) && !text.utf8.contains(UInt8(ascii: "/"))
            && !text.hasPrefix(".")
    }
}

/// Why a text is no ``FolderLocation``.
package struct FolderLocationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong and what to write, one sentence.
    package let description: String

    init(_ description: String) { self.description = description }
}

extension VoxelSpacing {
    /// A spacing; nil where a number cannot be one: 0 or less, more than a metre, or no number.
    static func possible(x: Double, y: Double, z: Double) -> VoxelSpacing? {
        [x, y, z].allSatisfy(isPossible) ? VoxelSpacing(x: x, y: y, z: z) : nil
    }

    /// Whether `distance`, um, can be that of two voxels.
    static func isPossible(_ distance: Double) -> Bool { distance > 0 && distance <= 1e6 }
}
