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

    /// A check that was made while the clock was ahead counts as no check.
    @Test(arguments: [
        (0.0, true), (-99, true), (-100, false), (-1e9, false), (0.5, false), (86_400, false), (1e9, false),
    ])
    func aCheckInTheFutureIsNone(age: Double, isFresh: Bool) {
        #expect(Support.isFresh(checkedAt: 1e9 + age, for: 100, now: 1e9) == isFresh)
        #expect(Support.isFresh(checkedAt: wallClockSeconds() + age, for: 100) == isFresh || age == -100 || age == 0.5)
    }

    @Test func errorNumbersHaveTheirText() {
        #expect(Errno(rawValue: 2).description == "No such file or directory")
        #expect(Errno(rawValue: 5) == Errno(rawValue: 5))
    }
}
