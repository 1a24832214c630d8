/// The mount a command is about.
enum MountChoice {
    /// The NeuronFS mount on `path`, or the first of this machine.
    static func path(_ path: String?) throws(Failure) -> String {
        let mounts = try MountTable.neuronFS()
        guard let path else {
            guard let first = mounts.first(where: { !MountPoint.isDead($0.path) }) else {
                throw Failure(sentence: "nothing is mounted: try neuronfs demo", code: 2)
            }
            return first.path
        }
        let absolute = MountTable.absolute(path)
        guard mounts.contains(where: { $0.path == absolute }) else {
            throw Failure(sentence: "no NeuronFS is mounted on \(absolute)", code: 2)
        }
        return absolute
    }
}
