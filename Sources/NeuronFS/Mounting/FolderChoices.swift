import Configuration
import FileTree
import FolderSource

/// The folders among the sources of a mount.
enum FolderChoices {
    /// Where the folders are.
    ///
    /// - Throws: for a text that is no location, and for a name at the top of the mount that is reserved or given twice.
    static func locations(_ choices: [SourceChoice]) throws(Failure) -> [FolderLocation] {
        var names: Set<String> = []
        var locations: [FolderLocation] = []
        for choice in choices {
            guard case .folder = choice else { continue }
            let location: FolderLocation
            do throws(FolderLocationError) {
                location = try FolderLocation(choice.text)
            } catch {
                throw Failure(sentence: "--source: \(error)", code: 64)
            }
            guard !TopNames.reserved.contains(location.name) else {
                throw Failure(
                    sentence: "--source: every mount has a \(location.name) at its top: "
                        + "choose another name, \(renamed(location))", code: 64)
            }
            guard names.insert(location.name).inserted else {
                throw Failure(
                    sentence: "--source: two folders would be called \(location.name): choose another name for one, "
                        + renamed(location), code: 64)
            }
            locations.append(location)
        }
        return locations
    }

    /// What to write instead, without the name that is refused.
    private static func renamed(_ location: FolderLocation) -> String {
        "\(FolderLocation.prefix)\(location.path),name=NAME"
    }
}
