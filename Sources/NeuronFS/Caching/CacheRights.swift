import Support

/// The rights with which a process works in a cache directory: those of its owner. A file that the owner plants there can
/// then not make root write elsewhere.
enum CacheRights {
    /// Takes the rights of the owner of `directories` for the rest of the process, if this process is root and the owner is
    /// not.
    ///
    /// - Throws: `Failure` 2 when they are of different users.
    static func become(ownerOf directories: [String]) throws(Failure) {
        let rights = directories.map { OwnerRights(ownerOf: $0) }
        guard Set(rights.map { $0?.user }).count <= 1 else {
            throw Failure(
                sentence: "\(directories.joined(separator: " and ")) belong to different users: "
                    + "name cells of one cache at a time", code: 2)
        }
        for case (let directory, let rights?) in zip(directories, rights) {
            return try telling(directory) { () throws(Errno) in try rights.become() }
        }
    }

    /// The rights that a mount by root takes for its files; nil where it needs no others.
    ///
    /// - Parameter user: the owner of the mount's files (`--uid`). Root works in the directory of this user only.
    /// - Throws: `Failure` 2 when the directory belongs to another user.
    static func ofMount(directory: String, user: UInt32?) throws(Failure) -> OwnerRights? {
        guard let rights = OwnerRights(ownerOf: directory) else { return nil }
        guard rights.user == user else {
            throw Failure(
                sentence: "the cache directory \(directory), or the one above it, belongs to user \(rights.user): root "
                    + "uses it only with that user's rights, which --uid \(rights.user) permits; or name another with "
                    + "--cache-dir", code: 2)
        }
        return rights
    }

    /// Runs `body`, and turns its error into one sentence.
    static func telling(_ directory: String, _ body: () throws(Errno) -> Void) throws(Failure) {
        do throws(Errno) {
            try body()
        } catch {
            throw Failure(sentence: "cannot take the rights of the owner of \(directory): \(error)")
        }
    }
}
