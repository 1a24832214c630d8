/// Where a specimen stands in the tree: its folder is `<collection>/<folder>`.
package struct Place: Hashable, Sendable {
    /// The name of the top folder.
    package let collection: String
    /// The name of the specimen's own folder, one of its kind in the collection.
    package let folder: String

    /// The place `<collection>/<folder>`.
    package init(collection: String, folder: String) {
        self.collection = collection
        self.folder = folder
    }

    /// The place of a database's specimen: the folder of its species, and there its number, decimal.
    package init(_ species: Species, _ id: Int) { self.init(collection: species.rawValue, folder: String(id)) }
}
