internal import Catalogue
internal import Logging
internal import Support

/// A list of cells that was not taken, because it lacks more than a tenth of what is known.
///
/// Its rows are not kept: `neuronfs sync --accept` asks again, so that what is accepted is the list of that moment.
public struct RefusedList: Equatable, Sendable {
    /// When it came, seconds since 1970.
    public let time: Double
    /// What it lacks, a clause that begins with "it".
    public let reason: String

    private static let key = "list.refused"

    /// The one that an earlier mount has kept in `store`; nil where the last list was taken.
    static func kept(in store: CatalogueStore, _ logger: Logger) -> RefusedList? {
        do throws(CatalogueError) {
            guard let text = try store.meta(key), let space = text.firstIndex(of: " "),
                let time = Double(text[..<space])
            else { return nil }
            return RefusedList(time: time, reason: String(text[text.index(after: space)...]))
        } catch {
            logger.warning("the catalogue on disk is unreadable", metadata: ["reason": "\(error)"])
            return nil
        }
    }

    /// Keeps `list` in `store` in place of the one before.
    static func keep(_ list: RefusedList?, in store: CatalogueStore, _ logger: Logger) {
        do throws(CatalogueError) {
            try store.setMeta(key, list.map { "\($0.time) \($0.reason)" })
        } catch {
            // The store warns, once; it is found out again by the next look.
            logger.debug("catalogue not writable", metadata: ["reason": "\(error)"])
        }
    }
}
