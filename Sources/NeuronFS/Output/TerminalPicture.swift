internal import CPosix
import Glibc

/// A picture as text: two pixels a character cell, in 24-bit colour.
enum TerminalPicture {
    /// `pixels` shrunk to the terminal's width; nil when standard output is no terminal.
    static func text(_ pixels: PlanePreview.Pixels) -> String? {
        let terminal = Int(posix_terminal_columns(STDOUT_FILENO))
        guard terminal > 0 else { return nil }
        let columns = min(terminal, 160, pixels.width)
        let rows = max(2, pixels.height * columns / pixels.width) / 2 * 2
        // The mean of all pixels of a half cell: a single pixel would lose thin neurites.
        func color(_ column: Int, _ row: Int) -> String {
            let xs = column * pixels.width / columns..<max((column + 1) * pixels.width / columns, 1)
            let ys = row * pixels.height / rows..<max((row + 1) * pixels.height / rows, 1)
            var sums = [0, 0, 0]
            for y in ys {
                for x in xs {
                    for channel in 0..<3 { sums[channel] += Int(pixels.rgb[(y * pixels.width + x) * 3 + channel]) }
                }
            }
            let count = max(1, xs.count * ys.count)
            return sums.map { String($0 / count) }.joined(separator: ";")
        }
        var lines: [String] = []
        for row in stride(from: 0, to: rows, by: 2) {
            let cells = (0..<columns).map { "\u{1B}[38;2;\(color($0, row))m\u{1B}[48;2;\(color($0, row + 1))m\u{2580}" }
            lines.append(cells.joined() + "\u{1B}[0m")
        }
        return lines.joined(separator: "\n")
    }
}
