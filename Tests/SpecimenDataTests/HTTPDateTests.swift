import Testing

@testable import SpecimenData

@Suite("HTTP dates")
struct HTTPDateTests {
    @Test(
        "dates with known seconds (date -d ... +%s)",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799), ("Wed, 31 Dec 2025 12:00:00 GMT", 1_767_182_400),
        ])
    func known(_ text: String, _ seconds: Double) {
        #expect(HTTPDate.seconds(text) == seconds)
    }

    @Test(
        "anything else is no date",
        arguments: ["", "yesterday", "Sun, 06 Nov 1994 08:49 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "06 Nov 1994 GMT"])
    func refused(_ text: String) {
        #expect(HTTPDate.seconds(text) == nil)
    }
}
