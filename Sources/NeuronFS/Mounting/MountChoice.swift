/// The mount a command is about.
enum MountChoice {
    /// The NeuronFS mount on `path`, in whatever state it is.
    static func entry(_ path: String) throws(Failure) -> MountTable.Entry {
        let absolute = try MountTable.absolute(path)
        guard let mount = try MountTable.neuronFS().last(where: { $0.path == absolute }) else {
            throw Failure(sentence: "no NeuronFS is mounted on \(absolute)", code: 2)
        }
        return mount
    }

    /// The NeuronFS mount on `path`, or all of this machine, with their states.
    static func looked(_ path: String?) throws(Failure) -> [(mount: MountTable.Entry, state: MountState)] {
        guard let path else { return MountState.all(of: try MountTable.neuronFS()) }
        return MountState.all(of: [try entry(path)])
    }

    /// The NeuronFS mount on `path`, or the first of this machine that answers.
    ///
    /// - Throws: when there is none, or the one on `path` does not answer.
    static func path(_ path: String?) throws(Failure) -> String {
        guard let path else {
            let found = try looked(nil)
            guard let first = found.first(where: { $0.state.trouble(of: $0.mount) == nil }) else {
                throw Failure(
                    sentence: found.isEmpty
                        ? "nothing is mounted: try neuronfs demo" : "no mount answers: see neuronfs status", code: 2)
            }
            return first.mount.path
        }
        let mount = try entry(path)
        if let trouble = MountState(of: mount.path).trouble(of: mount) {
            throw Failure(sentence: "\(mount.path) \(trouble)")
        }
        return mount.path
    }
}
