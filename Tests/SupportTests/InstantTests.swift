import Support
import Testing

@Suite struct InstantTests {
    @Test func differencesHaveASign() {
        let early = Instant(nanoseconds: 1_000_000_000)
        let late = early.advanced(bySeconds: 2.5)
        #expect(late.nanoseconds == 3_500_000_000)
        #expect(late.seconds(since: early) == 2.5)
        #expect(early.seconds(since: late) == -2.5)
        #expect(early < late)
        #expect(early.advanced(bySeconds: -1) == early)
    }

    @Test func theClockDoesNotGoBack() {
        var last = Instant.now
        for _ in 0..<1000 {
            let now = Instant.now
            #expect(now >= last)
            last = now
        }
    }

    @Test func wallClockIsSecondsSince1970() {
        // 2024-01-01 and 2100-01-01.
        #expect(wallClockSeconds() > 1_704_067_200)
        #expect(wallClockSeconds() < 4_102_444_800)
    }

    @Test func errorNumbersHaveTheirText() {
        #expect(Errno(rawValue: 2).description == "No such file or directory")
        #expect(Errno(rawValue: 5) == Errno(rawValue: 5))
    }
}
