import Support
import Testing

@testable import AllenSource

@Suite struct RMAReplyTests {
    private func parse(_ text: String) throws(CatalogueError) -> RMAReply { try RMAReply.parse(Array(text.utf8)) }

    /// The error of parsing `text`, which has to fail.
    private func fault(_ text: String) -> CatalogueError? {
        #expect(throws: CatalogueError.self) { try parse(text) }
    }

    @Test func readsTheEnvelope() throws {
        let reply = try parse(
            #"{"success": true, "id": 0, "start_row": 50, "num_rows": 2, "total_rows": 627, "msg": [{"id":1},{"id":"2"}]}"#
        )
        #expect(reply.startRow == 50)
        #expect(reply.rowCount == 2)
        #expect(reply.totalRows == 627)
        #expect(reply.rows == [["id": .int(1)], ["id": .string("2")]])
    }

    @Test func anEmptyResultIsNoError() throws {
        let reply = try parse(#"{"success": true, "id": 0, "start_row": 0, "num_rows": 0, "total_rows": 0, "msg": []}"#)
        #expect(reply.rows.isEmpty)
    }

    @Test func aCountHasNoRows() throws {
        let reply = try parse(#"{"success":true,"id":0,"start_row":0,"num_rows":0,"total_rows":2333,"msg":[]}"#)
        #expect(reply.totalRows == 2333)
    }

    @Test func aRefusalCarriesItsMessage() {
        let message = "undefined method `table_name' for nil"
        #expect(fault(#"{"success": false, "id": 0, "msg": "\#(message)"}"#) == .refused(message: message))
        #expect(fault(#"{"success":false,"msg":["a",1]}"#) == .refused(message: #"["a",1]"#))
        #expect(fault(#"{"success":false}"#) == .refused(message: "no reason given"))
    }

    @Test func aWebPageIsToldByItsTitle() {
        let title = "We're sorry, but something went wrong (500)"
        let page = "\n<!DOCTYPE html>\n<html><head>\n<title>\(title)</title></head><body></body></html>"
        #expect(fault(page) == .webPage(title: title))
        #expect(fault("<html>") == .webPage(title: nil))
        #expect(fault("<x></title><title>") == .webPage(title: nil))
    }

    @Test func aReplyCutShortIsRefusedAtEveryLength() {
        let text = #"{"success": true, "id": 0, "start_row": 0, "num_rows": 1, "total_rows": 1, "msg": [{"id":1}]}"#
        for length in 0..<text.utf8.count {
            guard case .notJSON? = fault(String(text.prefix(length))) else {
                Issue.record("accepted \(length) bytes")
                continue
            }
        }
    }

    @Test(arguments: [
        "[]", "null", "{}", #"{"success":true}"#, #"{"success":true,"num_rows":0,"total_rows":0}"#,
        #"{"success":true,"num_rows":0,"total_rows":0,"msg":{}}"#, #"{"success":true,"msg":[]}"#,
        #"{"success":true,"num_rows":2,"total_rows":2,"msg":[{"id":1}]}"#,
        #"{"success":true,"num_rows":1,"total_rows":1,"msg":[1]}"#,
        #"{"success":true,"num_rows":0,"total_rows":-1,"msg":[]}"#,
        #"{"success":true,"start_row":-5,"num_rows":0,"total_rows":1,"msg":[]}"#,
        #"{"num_rows":0,"total_rows":0,"msg":[]}"#,
    ])
    func anEnvelopeThatIsNotCompleteIsRefused(_ text: String) {
        guard case .malformedReply? = fault(text) else {
            Issue.record("not the right error for \(text)")
            return
        }
    }

    @Test func theMessageNamesWhatArrived() {
        let error = fault("upstream connect error")
        #expect(error?.description.contains("upstream connect error") == true)
    }

    @Test(.enabled(if: RealData.has("rma"))) func realReplies() throws {
        let empty = try RMAReply.parse(try RealData.bytes("rma/empty_result.json"))
        #expect(empty.totalRows == 0)
        let planes = try RMAReply.parse(try RealData.bytes("rma/subimage_313862022_first50of627.json"))
        #expect(planes.rowCount == 50)
        #expect(planes.totalRows == 627)
        #expect(planes.rows[0]["id"]?.intValue == 321_549_654)
        let projections = try RMAReply.parse(try RealData.bytes("rma/projectionimage_313862022.json"))
        #expect(projections.rows.count == 4)
    }

    /// The rows of the captured replies, written again, are the bytes that the server sent.
    @Test(.enabled(if: RealData.has("rma"))) func realRowsAreWrittenByteForByte() throws {
        for name in ["empty_result", "subimage_313862022_first50of627", "projectionimage_313862022"] {
            let bytes = try RealData.bytes("rma/\(name).json")
            let reply = try RMAReply.parse(bytes)
            let head = #"{"success": true, "id": 0, "start_row": 0, "num_rows": \#(reply.rowCount), "#
            let rows = JSONValue.array(reply.rows.map { .object($0) }).text()
            #expect(
                String(decoding: bytes, as: UTF8.self) == head + #""total_rows": \#(reply.totalRows), "msg": \#(rows)}"#
            )
        }
    }
}
