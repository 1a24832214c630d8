/// The reply of the origin, independent of the server library.
struct Reply: Sendable {
    enum Body: Sendable {
        /// Sent with its Content-Length.
        case whole([UInt8])
        /// Sent chunked, without Content-Length, as the real service sends RMA replies.
        case chunked([UInt8])
        /// The Content-Length that a GET would have, and no bytes: the reply to HEAD.
        case lengthOnly(Int)
    }

    var status: Int
    var headers: [(name: String, value: String)]
    var body: Body

    init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var bytes: [UInt8] {
        switch body {
        case .whole(let bytes), .chunked(let bytes): bytes
        case .lengthOnly: []
        }
    }

    /// The reason phrase of the status (RFC 9110, 15).
    var phrase: String {
        switch status {
        case 200: "OK"
        case 206: "Partial Content"
        case 302: "Found"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 416: "Range Not Satisfiable"
        default: "Internal Server Error"
        }
    }

    /// The page that the real service sends for an unknown file id: HTML, status 500 (docs/DATA.md 1).
    static let somethingWentWrong = page(
        status: 500, title: "We're sorry, but something went wrong (500)",
        text: "We're sorry, but something went wrong.")

    static let notFound = page(
        status: 404, title: "The page you were looking for doesn't exist (404)",
        text: "The page you were looking for doesn't exist.")

    private static func page(status: Int, title: String, text: String) -> Reply {
        let html = """
            <!DOCTYPE html>
            <html>
            <head>
              <title>\(title)</title>
              <style type="text/css">
                body { background-color: #fff; color: #666; text-align: center; font-family: arial, sans-serif; }
                div.dialog { width: 25em; padding: 0 4em; margin: 4em auto 0 auto; border: 1px solid #ccc; }
                h1 { font-size: 100%; color: #f00; line-height: 1.5em; }
              </style>
            </head>
            <body>
              <div class="dialog"><h1>\(text)</h1></div>
            </body>
            </html>

            """
        return Reply(
            status: status, headers: [("Content-Type", "text/html; charset=utf-8")], body: .whole(Array(html.utf8)))
    }
}
