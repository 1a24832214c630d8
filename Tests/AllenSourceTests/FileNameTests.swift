import Testing

@testable import AllenSource

@Suite struct FileNameTests {
    /// Catalogues that are there are found again.
    @Test func plainIdentitiesKeepTheirNames() {
        #expect(
            CatalogueStore.fileName(of: "https://api.brain-map.org") == "catalogue-https---api.brain-map.org.sqlite")
        #expect(CatalogueStore.fileName(of: "http://local-host") == "catalogue-http---local-host.sqlite")
        #expect(CatalogueStore.fileName(of: "demo") == "catalogue-demo.sqlite")
    }

    @Test func noTwoDatabasesShareAFile() {
        let identities = [
            "demo", "demo of /data/a", "demo of /data-a", "demo of /data/a ", "demo of /data/\u{E9}", "demo of /data/e",
            "http://h:80", "http://h-80", "http://h/80", "http://h", "https://h", "https://h/", "https://h/a/b",
            "https://h/a-b", "https---h", "demo of /" + String(repeating: "x", count: 4000) + "/1",
            "demo of /" + String(repeating: "x", count: 4000) + "/2",
        ]
        let names = identities.map(CatalogueStore.fileName(of:))
        #expect(Set(names).count == identities.count)
        for name in names { #expect(!name.contains("/") && name.utf8.count < 200) }
    }

    /// Tests/MountTests/reliability.py, `catalogue_name`, says the same.
    @Test func aPortBringsTheChecksum() {
        #expect(
            CatalogueStore.fileName(of: "http://127.0.0.1:8080") == "catalogue-http---127.0.0.1-8080~56979474.sqlite")
    }
}
