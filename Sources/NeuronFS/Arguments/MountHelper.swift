/// Translates the ways in which mount(8) starts a file system into a command line of this program.
///
/// As a helper under the name `mount.fuse.neuronfs` or `mount.neuronfs` (a link to this program in /sbin):
/// `mount.fuse.neuronfs SOURCE DIRECTORY [-sfnv] [-N namespace] [-o list] [-t type]`, see mount(8), "External helpers".
/// Without such a link, the helper of fuse3 starts `neuronfs SOURCE DIRECTORY -o list`. A source is `demo`, `allen`, or the
/// base URL of an API.
enum MountHelper {
    /// The arguments without the program's name; nil for a rehearsal (`mount -f`), which does nothing.
    static func translated(_ arguments: [String]) -> [String]? {
        let program = arguments.first?.split(separator: "/").last ?? ""
        let words = Array(arguments.dropFirst())
        guard program == "mount.fuse.neuronfs" || program == "mount.neuronfs" else {
            guard let source = words.first, isSource(source) else { return words }
            return helper(words)
        }
        return helper(words)
    }

    private static func isSource(_ word: String) -> Bool {
        word == "allen" || word.hasPrefix("https://") || word.hasPrefix("http://")
    }

    private static func helper(_ words: [String]) -> [String]? {
        var places: [String] = []
        var lists: [String] = []
        var isRehearsal = false
        var rest = words[...]
        while let word = rest.popFirst() {
            switch word {
            case "-o": if let list = rest.popFirst() { lists += ["-o", list] }
            case "-t", "-N": _ = rest.popFirst()
            case _ where word.hasPrefix("-") && !word.hasPrefix("--") && word.dropFirst().allSatisfy("sfnvr".contains):
                isRehearsal = isRehearsal || word.contains("f")
            default: places.append(word)
            }
        }
        if isRehearsal { return nil }
        let source = places.first ?? ""
        let others = Array(places.dropFirst())
        if source == "demo" { return ["demo"] + others + lists }
        let endpoint = isSource(source) && source != "allen" ? ["--endpoint", source] : []
        return ["mount"] + others + endpoint + lists
    }
}
