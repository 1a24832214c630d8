internal import Logging
internal import Specimens

extension CatalogueStore {
    private static let refusedListKey = "list.refused"

    /// The list of cells that an earlier mount did not take; nil where the last list was taken, and where the store cannot be
    /// read, which is logged.
    var refusedList: RefusedList? {
        do throws(CatalogueError) {
            guard let text = try meta(Self.refusedListKey), let space = text.firstIndex(of: " "),
                let time = Double(text[..<space])
            else { return nil }
            return RefusedList(time: time, reason: String(text[text.index(after: space)...]))
        } catch {
            logger.warning("the catalogue on disk is unreadable", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Keeps `list` in place of the one before; nil where the last list was taken.
    func keep(_ list: RefusedList?) {
        do throws(CatalogueError) {
            try setMeta(Self.refusedListKey, list.map { "\($0.time) \($0.reason)" })
        } catch {
            // The store warns, once; the next refresh finds it out again.
            logger.debug("catalogue not writable", metadata: ["reason": "\(error)"])
        }
    }
}
