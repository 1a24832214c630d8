internal import Support

/// The files of the catalogue, looked at before SQLite opens them by their paths.
enum CatalogueFiles {
    /// The database, its write-ahead log, the index of that, and the rollback journal (sqlite.org/tempfiles.html).
    private static let endings = ["", "-wal", "-shm", "-journal"]

    /// Refuses a link, a FIFO, a file with a second name and a file of somebody else in place of a file of the store.
    ///
    /// Somebody with the rights of the directory's owner could still plant one between this look and SQLite's. So root
    /// takes that user's rights before it opens a cache (``OwnerRights``): then there is nothing to gain.
    static func check(_ path: String) throws(CatalogueError) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        do throws(FileFault) {
            let directory = try DirectoryHandle(folder)
            for ending in endings { try directory.check(name + ending) }
        } catch {
            // What the file system refuses SQLite is refused as well, and tells in its own words.
            if !error.isSystem { throw .planted(path: path, cause: error) }
        }
    }
}
