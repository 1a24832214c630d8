internal import Support

/// Checks the files of the catalogue before SQLite opens them by their paths.
enum CatalogueFiles {
    /// The database, its write-ahead log, the index of that, and the rollback journal (sqlite.org/tempfiles.html).
    private static let endings = ["", "-wal", "-shm", "-journal"]

    /// Refuses a link, a FIFO, a file with a second name and a file of another user in place of a file of the store.
    ///
    /// A program with the rights of the directory's owner can still put one there between this check and SQLite's open. So
    /// root takes the rights of that user before it opens a cache (``OwnerRights``): then the program gains nothing.
    static func check(_ path: String) throws(CatalogueError) {
        let slash = path.lastIndex(of: "/")
        let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
        let name = slash.map { String(path[path.index(after: $0)...]) } ?? path
        do throws(FileFault) {
            let directory = try DirectoryHandle(folder)
            for ending in endings { try directory.check(name + ending) }
        } catch {
            // SQLite meets the same refusal of the file system, and reports it in its own words.
            if !error.isSystem { throw .planted(path: path, cause: error) }
        }
    }
}
