package durable_test

import "testing"

func TestOnPostgres(t *testing.T) { suite(t, openPostgres) }

// suite is what holds on every store.
func suite[TTx any](t *testing.T, open func(t *testing.T) env[TTx]) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, env[TTx]){
		"TheHandlerOfAMemoryQueueRunsUnchanged":          handlerUnchanged[TTx],
		"AJobIsRetriedWithRisingGaps":                    risingGaps[TTx],
		"AJobWithoutAttemptsLeftIsDiscardedAndRevived":   discardedAndRevived[TTx],
		"APermanentErrorIsNotRetried":                    permanent[TTx],
		"AnErrorThatIsNotWorthItIsNotRetried":            notWorthIt[TTx],
		"RetryAfterSetsTheDelay":                         retryAfter[TTx],
		"APanicAndAGoexitCostAnAttemptAndNothingElse":    panics[TTx],
		"AnAttemptEndsWithItsTimeout":                    timeout[TTx],
		"WaitingForTheRateLimitIsNoPartOfAnAttempt":      rateIsNoAttempt[TTx],
		"AStopGivesBackWhatWaitsForTheRateLimit":         rateStop[TTx],
		"AJobThatWaitsForTheRateLimitCanBeCancelled":     rateCancel[TTx],
		"AHandlerIsToldItsJobAndWhichAttemptItIs":        knowsItsAttempt[TTx],
		"AnUndecodablePayloadIsCancelledAndBlocksNobody": undecodable[TTx],
		"LargeAndEmptyPayloadsTravel":                    payloads[TTx],

		"ATransactionDecidesWhetherAJobExists":            transaction[TTx],
		"ADelayedJobDoesNotStartEarly":                    delayed[TTx],
		"AHundredUniqueEnqueuesAreOneJob":                 unique[TTx],
		"UrgentJobsOvertakeABacklog":                      priority[TTx],
		"APausedQueueTakesNothing":                        pause[TTx],
		"CancelEndsWaitingAndRunningJobs":                 cancel[TTx],
		"ConcurrencyIsNeverExceeded":                      concurrency[TTx],
		"TwoProcessesCompleteEachJobOnce":                 twoProcesses[TTx],
		"AWebTierEnqueuesForAWorkerTier":                  tiers[TTx],
		"ASlotOfAScheduleIsOneJobForAllProcesses":         every[TTx],
		"SchedulesAreShownInEveryProcess":                 shownSchedules[TTx],
		"WhatTheRunsOfAScheduleCameToIsShown":             shownEnds[TTx],
		"MissedSlotsAreMadeUpForByOneJobAndOnce":          missedSlots[TTx],
		"AScheduleHasNoSlotsBeforeItsDeclaration":         firstDeclared[TTx],
		"AChangedScheduleBeginsAnew":                      changedRule[TTx],
		"AForgottenScheduleBeginsAnew":                    forgotten[TTx],
		"ALateSlotIsMadeUpForWithinItsGrace":              lateSlots[TTx],
		"NoSlotIsDoubledByAnyNumberOfProcesses":           slotsOfManyProcesses[TTx],
		"AScheduleCanBeTriggered":                         triggered[TTx],
		"AStoreOfAnEarlierVersionIsMigratedForSchedules":  olderStore[TTx],
		"AScheduleThatPanicsHurtsNobody":                  everyPanics[TTx],
		"FailuresAreListedRequeuedAndDiscarded":           failures[TTx],
		"StatsCountWhatThisProcessDid":                    stats[TTx],
		"StartWithoutTablesSaysWhatIsMissing":             noTables[TTx],
		"TheContextOfStartDoesNotStopWhatItBegan":         startContext[TTx],
		"StopWaitsForAHandler":                            stopWaits[TTx],
		"AJobCutByAStopRunsElsewhereAtOnce":               stopCuts[TTx],
		"AHandlerThatIgnoresTheStopIsNamed":               stopNames[TTx],
		"EnqueueAfterStopIsAnError":                       afterStop[TTx],
		"StopBeforeStartAndTwiceIsHarmless":               stopTwice[TTx],
		"StartAndStopManyTimesLeavesNothing":              manyStarts[TTx],
		"MigrateTwiceIsHarmless":                          migrateTwice[TTx],
		"IdleJobsStopWithinASecond":                       stopIdle[TTx],
		"AnOlderAndANewerProgramWorkTogether":             versions[TTx],
		"LostJobsAreRunAgainOrReported":                   rescued[TTx],
		"AContinuationIsThereIfAndOnlyIfItsJobIsDone":     thenWithTheCompletion[TTx],
		"NothingFollowsAnAttemptThatIsNotThisOnesAnyMore": thenOfALostJob[TTx],
		"AContinuationNeedsARunningHandler":               thenElsewhere[TTx],
		"AHandlerCompletesItsJobInItsOwnTransaction":      completeTx[TTx],
		"AnErrorAfterTheJobIsCompletedIsNoFailure":        completedAndFailed[TTx],
		"ManyItemsAreThereTogetherOrNotAtAll":             bulk[TTx],
		"JobsAreListedByStateAndChanged":                  kept[TTx],
		"JobsOfAProcessThatIsGoneAreCounted":              deserted[TTx],
		"ManyCompletedJobsAreEstimatedAndNotRead":         estimated[TTx],
		"CountsSayHowOldTheyAre":                          agedCounts[TTx],
		"AStoreThatIsAwayIsSaidEverywhere":                storeAway[TTx],
		"ProcessesAreListedAsLongAsTheyLive":              instances[TTx],
		"MetricsShowJobsByState":                          scraped[TTx],
		"TheDashboardListsAndChangesJobs":                 actedOn[TTx],
		"MemoryAndDurableQueuesAreInterchangeable":        interchangeable[TTx],
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}
