package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A mutant replaces the only occurrence of old by new in one file. The package
// under test is the file's, unless pkg says otherwise.
type mutant struct {
	file, old, new string
	pkg, test      string
}

var code = []mutant{
	{
		file: "coordinator/waiter.go", old: "if next == name {", new: "if false {",
		test: "TestAWaitThatClosesACycleIsRefusedWithThePath",
	},
	{
		file: "coordinator/waiter.go", old: "before = c.blockedBy(name)", new: "_ = c.blockedBy",
		test: "TestMembersStartedInSequenceCannotWaitForThoseAfterThem",
	},
	{
		file: "coordinator/wait.go", old: "case !ok: ", new: "case !ok && false: ",
		test: "TestAnUnknownNameIsAnErrorEverywhere",
	},
	{
		file: "coordinator/wait.go", old: "outOf(c.waiters, w.by, w)", new: "",
		test: "TestAWaitThatClosesACycleIsRefusedWithThePath",
	},
	{
		file: "coordinator/coordinator.go", old: "c.endLocked(w, failure(name, outcome))", new: "w.left--",
		test: "TestFailWakesEveryWaiterWithItsErrorUntilReady",
	},
	{
		file: "scope/scope.go", old: "return interrupted(ctx)", new: "return nil",
		test: "TestWorkThatOutlivesItsContextIsRolledBack",
	},
	{
		file: "scope/scope.go", old: "return closing\n\tcase closing", new: "return outcome\n\tcase closing",
		test: "TestAnErrorOfClosingIsAnErrorOfTheWork",
	},
	{
		file: "internal/guard/guard.go", old: "if !returned {", new: "if !returned && false {",
		test: "TestGoexitClosesWithAnError", pkg: "./scope",
	},
	{
		file: "lifecycle/signal.go", old: "cancel(&SignalError{Signal: s})", new: "_ = s; cancel(nil)",
		test: "TestSignalContextCarriesTheSignalAsItsCause",
	},
	{
		file: "internal/wallclock/wallclock.go", old: "!end.After(t) {", new: "end.IsZero() {",
		test: "TestAWalkThroughAZoneMovesForwardToTheYear2100",
	},
	{
		file: "internal/wallclock/wallclock.go", old: "s.End = newYear", new: "_ = newYear",
		test: "TestAWalkMovesForwardWhateverTheRuleOfAZone",
	},
	{
		file: "periodic/zone.go", old: "picture.Before(start) || !start.After(from) {", new: "picture.Before(start) {",
		test: "TestCronAgreesWithLookingAtEveryMinuteAroundEachChangeOfTheClocks",
	},
	{
		file: "periodic/cron.go", old: "z.repeat, z.usual = RepeatBoth, RepeatBoth", new: "_ = text",
		test: "TestAStarOrAStepInTheMinutesRunsInBothPassesOfARepeatedHour",
	},
	{
		file: "hosted/service.go", old: "h.InheritLogger(l)", new: "_ = h",
		test: "TestEachInstanceOfFreshInheritsTheLogger",
	},
	{
		file: "channelq/queue.go", old: "if q.hasConsumer.Load() && !q.consumerStarted.Load() {", new: "if q.hasConsumer.Load() {",
		test: "TestAFailedEnqueueSaysThatNobodyStartedTheWorkers",
	},
	{
		file: "hosted/stopbudget.go", old: "free := b.end.Sub(now) - time.Duration(toCome)*b.share", new: "free := b.end.Sub(now)",
		test: "TestThirtyStuckServicesAllHaveTheirShare",
	},
	{
		file: "hosted/stopbudget.go", old: "share: quarter / time.Duration(calls), next: quarter}", new: "share: quarter / time.Duration(calls)}",
		test: "TestWhoComesAfterOneStuckServiceHasAQuarterOfTheBudget",
	},
	{
		file: "hosted/parallel.go", old: "if _, listed := open[b]; listed {", new: "if _, listed := open[b]; listed && b.started {",
		test: "TestTheOrderOfTheStopGoesThroughWhatHasNothingToStop",
	},
	{
		file: "hosted/finish.go", old: "stragglers = append(stragglers, s)", new: "_ = s",
		test: "TestWhateverIgnoresItsContextAtTheStopIsNamedAndLeftBehind",
	},
	{
		file: "channelq/enqueue.go", old: "q.dropped(lost, reason)", new: "_, _ = lost, reason",
		test: "TestWhatAFullQueueDoesInEachMode",
	},
	{
		file: "channelq/fetch.go", old: "if w.woken && c.parked.due.n > 0 {", new: "if false {",
		test: "TestACallIsPassedOnByAWorkerThatGotAnotherItem",
	},
	{
		file: "channelq/prefetch.go", old: "if state == w.probed {", new: "if false {",
		test: "TestWhatAStuckWorkerTookAheadIsHandledAlsoWhileOthersAreBusy",
	},
	{
		file: "channelq/attempt.go", old: "	w.shareOut()\n", new: "",
		test: "TestARunBegunWhileAnotherWorkerWaitsIsShared",
	},
	{
		file: "channelq/prefetch.go", old: "	if w.c.slowPath.Load() {\n		w.c.reclaimLocked(w)", new: "	if false {\n		w.c.reclaimLocked(w)",
		test: "TestARunBegunAfterARateLimitKeepsToIt",
	},
	{
		file: "channelq/settle.go", old: "	w.reclaimRest()\n", new: "",
		test: "TestFailuresPanicsAndGoexitsInTheMidstOfARunCostOnlyTheirItem",
	},
	{
		file: "channelq/attempt.go", old: "inspect(err)", new: "_ = err",
		test: "TestAnErrorThatPanicsWhenItIsAskedCountsAsAPanic",
	},
	{
		file: "channelq/settle.go", old: "} else if c.onHold() || c.ending {", new: "} else if c.ending {",
		test: "TestAnItemThatKeptItsWorkerIsNotStartedWhilePaused",
	},
	{
		file: "channelq/settle.go", old: "w.settling, w.outcome = true, err", new: "w.outcome = err",
		test: "TestAGoexitInOnGiveUpIsNoFailureOfTheRestOfTheBatch",
	},
	{
		file: "channelq/consumer.go", old: "	base := context.WithValue(stopping.Without(", new: "	_ = stopping.Without\n	base := context.WithValue((",
		test: "TestHandlersWaitForRoomWhileTheirHostStops",
	},
	{
		file: "channelq/leftover.go", old: "canceled, times = nil, times.shorten(time.Now())\n	}\n", new: "canceled = nil\n	}\n",
		test: "TestAStopThatIsCancelledBeforeItBeginsWaitsForNoOnLeftover",
	},
	{
		file: "channelq/leftover.go", old: "c.q.counters.leftover.Add(uint64(c.left))", new: "",
		test: "TestStopHandsTheBacklogToOnLeftoverBeforeItsDeadline",
	},
	{
		file: "periodic/decide.go", old: "a.missed = max(count-len(a.run), 0)", new: "a.missed = 0",
		test: "TestMissedSlotsOfACalendarGiveTheLatestOne",
	},
	{
		file: "metrics/queue.go", old: "{ return s.GaveUp }", new: "{ return 0 }",
		test: "TestTheAccountingOfAQueueAddsUpOnThePage",
	},
	{
		file: "metrics/native.go", old: "count-last)", new: "count)",
		test: "TestNativeHistogramsHaveEveryWaitInTheNarrowestBucketThatHoldsIt",
	},
	{
		file: "dashboard/action.go", old: "if err := d.origin.Check(r); err != nil {", new: "if err := d.origin.Check(r); err != nil && false {",
		test: "TestAnActionFromAnotherSiteIsRefused",
	},
	{
		file: "dashboard/action.go", old: "if r.Method != http.MethodPost {", new: "if false {",
		test: "TestGetChangesNothing",
	},
	{
		file: "dashboard/action.go", old: "if d.cfg.Authorize == nil {", new: "if false {",
		test: "TestWithoutAuthorizeThePageIsReadOnly",
	},
	{
		file: "dashboard/action.go", old: "	d.logAction(r, actor, a, err)\n", new: "",
		test: "TestEveryActionIsLoggedWithWhoAsked",
	},
	{
		file: "examples/webapp/products.go", old: "if err == nil {\n\t\tp.cached", new: "if true {\n\t\tp.cached",
		test: "TestOldProductsStayAfterAFailedRefresh",
	},
	{
		file: "examples/webapp/signup.go", old: "parsed.Address != address || ", new: "parsed == nil || ",
		test: "TestSignUpSaysWhatIsWrongWithAnAddress",
	},
	{
		file: "examples/webapp/mail.go", old: "l.mails = append(l.mails, mails...)", new: "",
		test: "TestProgramKeepsEveryPromiseWhenItIsStoppedUnderLoad",
	},
}

func mutants(dir string) error {
	var r report
	for _, m := range code {
		if m.pkg == "" {
			m.pkg = "./" + filepath.Dir(m.file)
		}
		r.add(fmt.Sprintf("%s: %s", m.file, strings.Join(strings.Fields(m.old), " ")), m.try(dir))
	}
	return r.err()
}

func (m mutant) try(dir string) error {
	name := filepath.Join(dir, m.file)
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if n := strings.Count(string(text), m.old); n != 1 {
		return fmt.Errorf("the text to replace occurs %d times", n)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(text), m.old, m.new, 1)), 0o600); err != nil {
		return err
	}
	return errors.Join(notices(dir, m.pkg, m.test), os.WriteFile(name, text, 0o600))
}
