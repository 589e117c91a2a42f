/*
 * The start / stop / crash / restart / deadline protocol of hosted.Host.
 * README.md beside this file says what is and what is not in here; check.sh
 * runs it and keeps the names below in step with the code.
 *
 * "code:" in a comment names the function in hosted/ that a transition stands
 * for. "fault" is a mistake that check.sh puts in on purpose (-DF_...); the
 * assertion that has to notice carries the promise as its name in a comment.
 *
 * Time is a clock of small integers, one tick about 500 ms. It moves on only
 * when nobody can do anything else, as in a bubble of testing/synctest: what
 * the host does itself takes no time, what services do takes as long as they
 * please. Whatever happens in one tick may happen in any order.
 */

/* ---- the configuration, chosen by check.sh ---- */

#ifndef N
#define N 3              /* services */
#endif
#define PLAIN 0          /* a Service with Start and Stop */
#define FRESH 1          /* Fresh, ends by itself, policy Restart */
#define LOOP  2          /* Loop, policy Restart */
#define WLOOP 3          /* Loop with WaitReady, policy Ignore */
#ifndef K0
#define K0 PLAIN
#define K1 PLAIN
#define K2 PLAIN
#endif
#ifndef K2
#define K2 PLAIN
#endif
#define KIND(u) (u == 0 -> K0 : (u == 1 -> K1 : K2))

#define NEVER 255
#ifndef BUDGET
#define BUDGET 12        /* Config.ShutdownTimeout: 6 s */
#endif
#define SLICE 1          /* a renewal's for the old instance: 500 ms */
#define GRACE 2          /* of a Start whose context has ended: 1 s */
#ifndef START
#define START 4          /* Config.StartTimeout; NEVER: none */
#endif
#ifndef UNITSTART
#define UNITSTART 2      /* StartTimeout of a FRESH in a renewal; NEVER: none */
#endif
#ifndef DRAIN
#define DRAIN 0          /* Config.DrainDelay */
#endif
#ifndef LATEST
#define LATEST 5         /* somebody asks for the stop by then */
#endif
#ifndef CALLERS
#define CALLERS 2        /* of Host.Stop */
#endif
#ifndef DEADLINE
#define DEADLINE 3       /* of the caller that has one; NEVER: nobody has */
#endif
#define BACKOFF 2        /* before a restart */
#ifndef LIMIT
#define LIMIT 1          /* restarts; one failure more stops the host */
#endif
#define LATE 3           /* a call that comes back after everybody gave up on it */

/* FEW: of what services do only what matters to those that restart. */

/* ---- what the host knows ---- */

mtype = { idle, starting, running, stopping, ended };
mtype = { New, Starting, Running, Restarting, Stopping, Stopped, Completed, Failed };

#define OK 0
#define ERR 1            /* an error, a panic or a Goexit */
#define CANCEL 2         /* the news that a context ended */
#define FINAL 3          /* an error that no restart can mend */

byte now = 0;
byte sleepers = 0;       /* that will wake up by themselves */

mtype phase = idle;
bool req = false;        /* marks.Request */
byte reqAt, reqDl, reqWhy;
bool startCut = false;   /* the start's context was cancelled */
byte startDl = NEVER;    /* and its own end */
bool over = false;       /* Host.ended is closed */
byte endAt = NEVER;      /* of the budget */
byte share = 0;          /* of each call that waits */
byte next = 0;           /* beside its share, of the one that waits next */

bool failed = false;     /* there is something in failures */
bool cut = false;        /* that the start was cut short by somebody who asked for the stop */
bool deserted = false;   /* somebody did not return */

mtype state[N] = New;
bool started[N];         /* needs a turn in the stop */
bool up[N];              /* has an instance that needs a Stop */
bool ctxDone[N];         /* u.ctx, which only the turn ends */
bool ready[N];
bool hasDone[N];         /* a loop or a supervisor runs */
bool done[N];            /* and has ended */
byte restarts[N];
byte instance[N];        /* what Fresh's construct has made last */

/* The calls of a unit, each on a goroutine of its own. */
#define CSTART 0         /* the first Start */
#define CSTOP  1         /* Stop, or the end of a loop, at the unit's turn */
#define COLD   2         /* Stop of the old instance in a renewal */
#define CRENEW 3         /* Start of the new one */
#define CALL(u, c) ((u)*4 + (c))
bool back[N*4], abandoned[N*4], returned[N*4];
byte callErr[N*4];

/* ---- what is watched: none of this is in the code ---- */

#define MAXI 4
#define iNone 0
#define iStarting 1
#define iUp 2
#define iStopping 3
#define iGone 4
#define INST(u, i) ((u)*MAXI + (i))
byte inst[N*MAXI];
byte firstWhy = 0;       /* the first request to stop */
byte stops = 0;          /* how often the stop began */
byte escalated[N];
byte wakeAt[N];          /* when a turn came in the middle of a backoff */
bool inBackOff[N];
bool turnBegan[N];
bool turnOver[N];
bool inTurnList[N];
byte answers = 0;        /* callers of Stop who got the result */
byte spent = 0;          /* turns that took time */
bool wrong = false;      /* something failed by itself, or did not return */

byte i_;                 /* scratch of d_steps, 0 outside */

#define startCtxDone (startCut || now >= startDl)
#define stopEnd (reqDl < reqAt + BUDGET -> reqDl : reqAt + BUDGET) /* code: endOf */
#define min(a, b) ((a) < (b) -> (a) : (b))
#define max(a, b) ((a) > (b) -> (a) : (b))

/* code: enterLocked. Whoever comes back after the end finds the result as it was. */
inline enter(u, s) {
	assert(phase != ended); /* PROMISE late-return-changes-nothing */
	state[u] = s
}

/* Adds to failures. */
inline noteFailure() {
	assert(phase != ended); /* PROMISE late-return-changes-nothing */
	failed = true;
	wrong = true
}

/* The same for a start that was cut short, which is the cause of nothing if it
   was a failure that did so: that one is noted already. It is no failure if
   somebody asked for the stop. */
inline noteCut() {
	assert(failed || !req || reqWhy < 10 || reqWhy >= 20); /* PROMISE root-cause-first */
	assert(phase != ended); /* PROMISE late-return-changes-nothing */
	if
	:: req && reqWhy < 10 -> cut = true
	:: else -> failed = true; wrong = true
	fi
}

inline sleepUntil(t, orWhen) {
	atomic {
		if
		:: now < t && !(orWhen) -> sleepers++; (now >= t || (orWhen)) -> sleepers--
		:: now >= t || (orWhen)
		fi
	}
}

/* code: RequestStop, stopRequested. The two are apart: the request can be seen
   before the host has acted on it. */
inline requestStop(why, dl) {
	d_step {
		if
		:: firstWhy == 0 -> firstWhy = why
		:: else
		fi
		won = false;
		if
		:: !req -> req = true; reqAt = now; reqDl = dl; reqWhy = why; won = true
#ifdef F_LAST_CAUSE_WINS
		:: req && !over -> reqWhy = why
		:: req && over
#elif defined(F_EVERY_REQUEST_STOPS)
		:: req -> won = true
#else
		:: else
#endif
		fi
	}
	if
	:: won ->
		atomic { /* code: stopRequested */
			if
			:: phase == idle -> phase = ended; over = true
			:: phase == starting -> startCut = true
			:: phase == running -> run shutdown()
#ifdef F_EVERY_REQUEST_STOPS
			:: phase == stopping -> run shutdown()
#endif
			:: else
			fi;
			won = false
		}
	:: else
	fi
}

/* code: waitUntil. What is done already wins over a deadline that has passed. */
inline waitUntil(what, dl) {
	atomic {
		if
		:: what -> inTime = true
		:: !(what) ->
			sleepers++;
			if
			:: what -> inTime = true
			:: now >= dl -> inTime = false
			fi;
			sleepers--
		fi
	}
}

/* code: abandon. It refuses when the call has come back meanwhile. */
inline abandon(u, c) {
	d_step {
		gaveUp = false;
		if
		:: !back[CALL(u, c)] -> abandoned[CALL(u, c)] = true; gaveUp = true
		:: else
		fi
	}
}

/* code: graceEnd. A stop that comes in the middle of a grace shortens it. */
#ifdef F_GRACE_BEYOND_BUDGET
#define setGrace at = now + GRACE
#define graceOver (now >= at)
#elif defined(F_GRACE_SET_ONCE)
#define setGrace at = (req -> min(now + GRACE, stopEnd) : now + GRACE)
#define graceOver (now >= at)
#else
#define setGrace at = now + GRACE
#define graceOver (now >= at || (req && (now >= reqDl || now >= reqAt + BUDGET)))
#endif

/* The same with a deadline that can come closer. */
inline waitGrace(what) {
	atomic {
		if
		:: what -> inTime = true
		:: !(what) ->
			sleepers++;
			if
			:: what -> inTime = true
			:: graceOver -> inTime = false
			fi;
			sleepers--
		fi
	}
}

/* ---- services ---- */

/* code: stop, startLoop (their u.cancel) */
inline endContext(u) {
	d_step {
		ctxDone[u] = true;
		if
		:: inBackOff[u] -> wakeAt[u] = now
		:: else
		fi
	}
}

/* A Stop is called on what is up and on nothing else: not on what never started,
   nor while its Start runs, nor twice. */
inline entersStop(u, i) {
	assert(inst[INST(u, i)] == iUp); /* PROMISE only-what-started-is-stopped-once */
	inst[INST(u, i)] = iStopping
}

/* What a Stop does: comes back at once, with or without an error; takes a
   while; waits for its deadline; comes back after it; never. */
inline stopBehaves(dl) {
	if
	:: err = OK
	:: sleepUntil(dl, false);
		if
		:: err = ERR
		:: sleepUntil(dl + LATE, false);
			if
			:: err = OK
			:: stuck = true
			fi
		fi
#ifndef FEW
	:: sleepUntil(now + 2, false); err = OK
#endif
	fi
}

/* One Start. code: callStart */
proctype callStart(byte u; byte c; byte i; byte dl)
{
	byte err = OK, at = 0;
	bool stuck = false, left = false;
#define ctxOver (c == CSTART -> startCtxDone : ctxDone[u] || now >= dl)
	atomic {
		assert(i == 0 || inst[INST(u, i-1)] == iNone || inst[INST(u, i-1)] == iGone); /* PROMISE never-two-instances */
		inst[INST(u, i)] = iStarting
	}
	if
	:: err = OK
#ifdef FEW
	:: c == CRENEW -> err = ERR
	:: c == CRENEW ->
#else
	:: err = ERR
	:: sleepUntil(now + 1, false); err = OK
	:: true ->
#endif
		atomic {
			if
			:: dl != NEVER -> sleepers++; ctxOver -> sleepers--
			:: dl == NEVER -> ctxOver
			fi
		};
		if
		:: err = CANCEL                             /* obeys */
		:: err = OK                                 /* was just done */
		:: at = now + LATE; sleepUntil(at, false); at = 0;
			if
			:: err = OK                         /* late, and comes up */
			:: stuck = true
			fi
		fi
	fi;
	if
	:: stuck ->
end_stuck:	false
	:: else
	fi;
	d_step { /* code: call */
		if
		:: err == OK -> inst[INST(u, i)] = iUp
		:: else -> inst[INST(u, i)] = iGone
		fi;
		callErr[CALL(u, c)] = err;
		back[CALL(u, c)] = true;
		left = abandoned[CALL(u, c)]
	}
	if
	:: err != OK
	:: err == OK && left ->
		/* It came up after all, and nobody else will stop it. */
#ifdef F_LATE_START_LEFT_RUNNING
		skip
#else
		d_step { entersStop(u, i) };
		d_step { inst[INST(u, i)] = iGone }
#endif
	:: err == OK && !left && c == CSTART ->
		atomic { /* code: adopt */
			started[u] = true;
			up[u] = true;
			enter(u, Running);
			if
			:: KIND(u) == FRESH -> hasDone[u] = true; run supervise(u)
			:: else
			fi
		}
	:: err == OK && !left && c == CRENEW ->
		d_step { /* code: renew (its func) */
			up[u] = true;
#ifdef F_UP_OVERWRITES_STATE
			enter(u, Running)
#else
			if
			:: state[u] == Restarting -> enter(u, Running)
			:: else
			fi
#endif
		}
	fi;
	d_step { returned[CALL(u, c)] = true; err = 0; left = false; i = 0; dl = 0 }
}

/* One Stop: at the unit's turn, or of the old instance in a renewal. */
proctype callStop(byte u; byte c; byte i; byte dl)
{
	byte err = OK;
	bool stuck = false;
	if
	:: c == CSTOP ->
#ifdef F_CANCEL_LEFT_TO_THE_CALL
		endContext(u);
#endif
#ifndef F_STOP_IGNORES_SUPERVISOR
		if
		:: hasDone[u] -> done[u]
		:: else
		fi;
#endif
		i = instance[u]
	:: else
	fi;
#ifdef F_STOP_AGAIN_AFTER_RENEWAL
	if
	:: true ->
#else
	if
	:: !up[u] && c == CSTOP /* the renewal has stopped it, or had none */
	:: up[u] || c != CSTOP ->
#endif
		d_step {
			entersStop(u, i);
			up[u] = false;
			/* those after it have had their turn to the end */
			i_ = u + 1;
			do
			:: i_ < N ->
				assert(c != CSTOP || !inTurnList[i_] || turnOver[i_]); /* PROMISE reverse-order */
				i_++
			:: else -> break
			od;
			i_ = 0
		};
		stopBehaves(dl);
		if
		:: stuck ->
end_stuck:		false
		:: else
		fi;
		inst[INST(u, i)] = iGone
	fi;
	back[CALL(u, c)] = true; /* code: call */
	if
	:: c == CSTOP ->
		d_step { /* code: stopReturned, failAtStop */
			if
#ifndef F_LATE_STOP_OVERWRITES
			:: phase == ended ->
				/* Whoever is not waited for must have been named. */
				assert(abandoned[CALL(u, c)]) /* PROMISE nothing-lost-in-silence */
#endif
			:: else ->
				if
				:: err != OK -> noteFailure(); enter(u, Failed)
				:: err == OK && state[u] != Completed && state[u] != Failed -> enter(u, Stopped)
				:: else
				fi
			fi
		}
	:: else
	fi;
	d_step { returned[CALL(u, c)] = true; err = 0; i = 0; dl = 0 }
}

/* ---- the end of a run, and restarts ---- */

inline endedAtStop(u, failedToo) { /* code: stoppedInTurnLocked, failedInTurnLocked */
	if
	:: phase == ended || state[u] == Failed
	:: else ->
		if
		:: failedToo -> noteFailure(); enter(u, Failed)
		:: !failedToo && (KIND(u) == LOOP || KIND(u) == WLOOP) -> enter(u, Stopped)
		:: else
		fi
	fi
}

/* code: decide, decideFailure, mayRestartLocked, allow, completeLocked */
inline decide(u) {
	d_step {
		again = false; fatal = false;
		if
		:: state[u] == Starting -> /* a loop that was not ready: the start decides */
			if
			:: err == OK && !ctxDone[u] -> enter(u, Completed)
			:: else
			fi
		:: state[u] != Starting && ctxDone[u] ->
			endedAtStop(u, (err == ERR || err == FINAL))
		:: state[u] != Starting && !ctxDone[u] && err == OK ->
			enter(u, Completed)
		:: else ->
			if
			:: KIND(u) == WLOOP -> enter(u, Failed) /* Ignore */
			:: else ->
				if
#ifdef F_NO_RESTART_LIMIT
				:: err != FINAL ->
#else
				:: err != FINAL && restarts[u] < LIMIT ->
#endif
					again = true; restarts[u]++;
					enter(u, Restarting)
				:: else ->
					fatal = true;
					escalated[u]++;
					assert(escalated[u] == 1); /* PROMISE escalates-once */
					enter(u, Failed);
#ifndef F_REQUEST_BEFORE_FAILURE
					noteFailure()
#endif
				fi;
				assert(restarts[u] <= LIMIT) /* PROMISE restart-intensity */
			fi
		fi
	}
	if
	:: fatal -> requestStop(10+u, NEVER);
#ifdef F_REQUEST_BEFORE_FAILURE
		d_step { noteFailure() };
#endif
		fatal = false
	:: else
	fi
}

/* code: backOff */
inline backOff(u) {
	d_step { at = now + BACKOFF; inBackOff[u] = true };
#ifdef F_DEAF_BACKOFF
	sleepUntil(at, false);
#else
	sleepUntil(at, ctxDone[u]);
#endif
	d_step {
		at = 0;
		inBackOff[u] = false;
		assert(wakeAt[u] == 0 || wakeAt[u] == now); /* PROMISE backoff-ends-at-its-turn */
		wakeAt[u] = 0;
		if
		:: ctxDone[u] ->
			again = false;
			endedAtStop(u, false)
		:: else
		fi
	}
}

/* What a loop's function does once it runs for good: fails, at once or after a
   while; completes; or goes on until its context ends and then obeys, fails,
   takes too long or ignores it. */
inline loopBehaves(u) {
	if
	:: err = ERR
	:: err = OK
	:: sleepUntil(now + 1, ctxDone[u]);
		if
		:: err = ERR
		:: ctxDone[u];
			if
			:: err = CANCEL
			:: err = ERR
			:: at = now + BUDGET + LATE; sleepUntil(at, false); at = 0; err = ERR
			:: stuck = true
			fi
		fi
	fi
}

/* code: runLoop */
proctype runLoop(byte u)
{
	byte err = OK, at = 0;
	bool again = false, fatal = false, won = false, stuck = false;
	do
	:: err = OK;
		if
		:: KIND(u) == LOOP -> loopBehaves(u)
		:: KIND(u) == WLOOP ->
			if
			:: err = ERR                        /* dies before it is ready */
			:: err = OK                         /* has nothing to do */
			:: ctxDone[u]; err = CANCEL         /* never ready, obeys */
			:: ctxDone[u]; stuck = true         /* never ready, ignores */
			:: sleepUntil(now + 1, ctxDone[u]); goto isReady
			:: goto isReady
			fi;
			goto hasEnded;
isReady:		skip;
			d_step { /* code: Ready */
				if
				:: state[u] == Starting -> ready[u] = true; enter(u, Running)
				:: else
				fi
			};
			loopBehaves(u)
		fi;
hasEnded:	if
		:: stuck ->
end_stuck:		false
		:: else
		fi;
		decide(u);
		if
		:: again -> backOff(u)
		:: else
		fi;
		if
		:: !again -> break
		:: else
		fi;
		d_step { /* code: upState */
#ifndef F_UP_OVERWRITES_STATE
			if
			:: state[u] == Restarting -> enter(u, Running)
			:: else
			fi
#else
			enter(u, Running)
#endif
		}
	od;
	skip;
	d_step { done[u] = true; returned[CALL(u, CSTOP)] = true; err = 0 }
}

/* Waits for the Start of a renewal; sets err. code: await */
inline awaitRenewal(u, dl) {
	atomic {
		sleepers = sleepers + (dl != NEVER);
		(returned[CALL(u, CRENEW)] || ctxDone[u] || now >= dl);
		sleepers = sleepers - (dl != NEVER)
	};
	if
	:: returned[CALL(u, CRENEW)] ->
		err = callErr[CALL(u, CRENEW)]
	:: ctxDone[u] || now >= dl ->
		setGrace;
		waitGrace(returned[CALL(u, CRENEW)]);
		at = 0;
		gaveUp = false;
		if
		:: !inTime -> abandon(u, CRENEW)
		:: else
		fi;
		if
		:: gaveUp && ctxDone[u] -> err = CANCEL
#ifdef F_RESTART_BESIDE_ABANDONED_START
		:: gaveUp && !ctxDone[u] -> err = ERR
#else
		:: gaveUp && !ctxDone[u] -> err = FINAL
#endif
		:: !gaveUp ->
			returned[CALL(u, CRENEW)];
			err = (ctxDone[u] -> (callErr[CALL(u, CRENEW)] == OK -> OK : CANCEL) : ERR)
		fi
	fi
}

/* code: renew */
inline renew(u) {
	err = OK;
	if
#ifdef F_RESTART_KEEPS_OLD
	:: skip
#else
#ifndef F_STOP_AGAIN_AFTER_RENEWAL
	:: !up[u]
	:: up[u] ->
#else
	:: true ->
#endif
		atomic {
			back[CALL(u, COLD)] = false;
			abandoned[CALL(u, COLD)] = false;
			returned[CALL(u, COLD)] = false;
			at = now + SLICE;
			run callStop(u, COLD, instance[u], at)
		};
		waitUntil(returned[CALL(u, COLD)], at);
		at = 0;
		if
		:: inTime
		:: !inTime -> abandon(u, COLD);
			if
			:: gaveUp -> err = FINAL /* two instances would be worse than none */
			:: !gaveUp -> returned[CALL(u, COLD)]
			fi
		fi
#endif
	fi;
	if
#ifndef F_START_AFTER_TURN
	:: err == OK && ctxDone[u] -> err = CANCEL
	:: atomic { err == OK && !ctxDone[u] ->
#else
	:: atomic { err == OK ->
#endif
			assert(!ctxDone[u]); /* PROMISE no-start-after-its-turn */
			back[CALL(u, CRENEW)] = false;
			abandoned[CALL(u, CRENEW)] = false;
			returned[CALL(u, CRENEW)] = false;
			instance[u]++;
			assert(instance[u] < MAXI);
			at = (UNITSTART == NEVER -> NEVER : now + UNITSTART);
			startEnd = at;
			run callStart(u, CRENEW, instance[u], at);
			at = 0
		};
		awaitRenewal(u, startEnd);
		startEnd = 0
	:: err != OK
	fi
}

/* code: supervise, watch */
proctype supervise(byte u)
{
	byte err = OK, at = 0, startEnd = 0;
	bool again = false, fatal = false, won = false, inTime = false, gaveUp = false;
	do
	:: /* its Done closes: with an error, at once or later; without; or never */
		if
		:: err = ERR
		:: sleepUntil(now + 1, ctxDone[u]); err = ERR
		:: err = OK
		:: ctxDone[u]
		fi;
		if
		:: ctxDone[u] -> break
		:: else
		fi;
		decide(u);
		do
		:: !again -> break
		:: again ->
			backOff(u);
			if
			:: !again -> goto isOver
			:: else
			fi;
			renew(u);
			if
			:: err == OK -> again = false
			:: else -> decide(u)
			fi
		od;
		if
		:: state[u] != Running -> break
		:: else
		fi
	od;
isOver:	skip;
	d_step { done[u] = true; err = 0; inTime = false; gaveUp = false; startEnd = 0; at = 0 }
}

/* ---- the start ---- */

/* Sets ok. code: startUnit */
inline startUnit(u) {
	atomic {
#ifndef F_START_GOES_ON
		ok = !startCtxDone;
#else
		ok = true;
#endif
		if
		:: ok ->
			assert(!startCtxDone); /* PROMISE no-start-after-a-stop */
			assert(u == 0 || (state[u-1] != New && (state[u-1] != Starting))); /* PROMISE start-in-order */
			if
			:: KIND(u) == LOOP || KIND(u) == WLOOP -> /* code: startLoop */
				started[u] = true;
				hasDone[u] = true;
				enter(u, (KIND(u) == LOOP -> Running : Starting));
				run runLoop(u)
			:: else -> /* code: startService */
				enter(u, Starting);
				run callStart(u, CSTART, 0, NEVER)
			fi
		:: else
		fi
	}
	err = OK;
	if
	:: !ok || KIND(u) == LOOP
	:: ok && KIND(u) == WLOOP -> /* code: startLoop */
		if
		:: ready[u]
		:: done[u] ->
#ifdef F_READY_AND_DEAD_FAILS_START
			err = (state[u] == Completed -> OK : ERR)
#else
			err = (ready[u] || state[u] == Completed -> OK : ERR)
#endif
			/* Once ready, what happens to it is for its policy. */
			assert(err == OK || !ready[u]) /* PROMISE policy-after-start */
		:: startCtxDone ->
			endContext(u);
			setGrace;
			waitGrace(done[u]);
			at = 0;
			if
			:: !inTime -> abandoned[CALL(u, CSTOP)] = true
			:: else
			fi;
			started[u] = false;
			err = CANCEL
		fi
	:: ok && KIND(u) != LOOP && KIND(u) != WLOOP -> /* code: await */
		if
		:: returned[CALL(u, CSTART)] -> err = callErr[CALL(u, CSTART)]
		:: startCtxDone ->
			setGrace;
			waitGrace(returned[CALL(u, CSTART)]);
			at = 0;
			gaveUp = false;
			if
			:: !inTime -> abandon(u, CSTART)
			:: else
			fi;
			if
			:: gaveUp ->
#ifdef F_ABANDONED_COUNTS_AS_STARTED
				started[u] = true; up[u] = true;
#endif
				err = CANCEL
			:: !gaveUp -> returned[CALL(u, CSTART)];
				/* One that came up is no failure because the start goes no further. */
				err = (startCut && callErr[CALL(u, CSTART)] == OK -> OK : CANCEL)
			fi
		fi
	fi;
	d_step { /* code: startUnit (what failed is noted) */
		if
		:: err != OK ->
			ok = false;
			enter(u, Failed);
			if
			:: err == ERR -> noteFailure()
			:: err == CANCEL && !failed -> noteCut()
			:: else
			fi
		:: else
		fi;
		err = OK
	}
}

/* Host.Start and, as Run would, the wait for the end. code: Start */
proctype start()
{
	byte u = 0, err = OK, at = 0;
	bool ok = true, inTime = false, gaveUp = false, won = false;
	d_step {
		if
		:: phase == idle -> phase = starting; startDl = START
		:: else -> ok = false
		fi
	};
	if
	:: !ok -> goto isOver /* it was told to stop before */
	:: else
	fi;
	/* code: startAll */
	do
	:: ok && u < N -> startUnit(u); u++
	:: else -> break
	od;
	skip;
	d_step { u = 0; at = 0; inTime = false; gaveUp = false }
	if
	:: ok ->
		d_step { /* code: becomeRunning */
			if
			:: req -> ok = false
			:: else -> phase = running
			fi
		}
	:: else
	fi;
	if
	:: !ok -> /* code: rollBack, abortCause */
		d_step {
			if
			:: !failed -> noteCut()
			:: else
			fi
		};
		requestStop(20, NEVER);
		run shutdown()
	:: else
	fi;
	over; /* code: Run */
	answers++;
isOver:	skip
}

/* ---- the stop ---- */

/* The turn of u, until dl. code: stop */
inline giveTurn(u) {
	d_step {
		i_ = u + 1;
		do
		:: i_ < N -> assert(!inTurnList[i_] || turnOver[i_]); /* PROMISE reverse-order */ i_++
		:: else -> break
		od;
		i_ = 0;
		turnBegan[u] = true;
		if /* code: turn */
		:: toCome == 0 -> dl = max(endAt, now)
		:: toCome > 0 && endAt < now + toCome * share -> dl = now
		:: else ->
			i_ = endAt - now - toCome * share;
			dl = now + max(i_ - min(i_, next), min(i_, next + share));
			i_ = 0
		fi;
		/* Those before it may have used up everything but this. */
		assert(dl - now >= promised); /* PROMISE reserved-share */
		assert(spent > 1 || dl - now >= quarter); /* PROMISE a-quarter-behind-one-that-is-stuck */
		began = now;
		if
		:: state[u] != Completed && state[u] != Failed -> enter(u, Stopping)
		:: else
		fi
	};
	if
	:: KIND(u) == LOOP || KIND(u) == WLOOP ->
		endContext(u);
		waitUntil(done[u], dl);
		if
		:: !inTime -> abandoned[CALL(u, CSTOP)] = true
		:: else
		fi
	:: else ->
#ifndef F_CANCEL_LEFT_TO_THE_CALL
		endContext(u);
#endif
		run callStop(u, CSTOP, 0, dl);
#ifdef F_STOP_WAITS_FOR_EVER
		returned[CALL(u, CSTOP)];
		inTime = true;
#else
		waitUntil(returned[CALL(u, CSTOP)], dl);
#endif
		if
		:: inTime
		:: !inTime -> abandon(u, CSTOP);
			if
			:: gaveUp
#ifdef F_RETURN_NOT_AWAITED
			:: !gaveUp
#else
			:: !gaveUp -> returned[CALL(u, CSTOP)] /* it is about to note its outcome */
#endif
			fi
		fi
	fi;
	d_step {
		turnOver[u] = true; inTime = false; gaveUp = false; dl = 0;
		if
		:: now > began -> spent++
		:: else
		fi;
		began = 0
	}
}

/* code: shutdown */
proctype shutdown()
{
	byte u = 0, toCome = 0, dl = 0, promised = 0, quarter = 0, began = 0;
	bool wasRunning = false, inTime = false, gaveUp = false, exitCode = false;
	d_step {
		stops++;
		assert(stops == 1); /* PROMISE one-stop */
		wasRunning = (phase == running);
		phase = stopping;
#ifdef F_ROLLBACK_ON_THE_OLD_BUDGET
		endAt = (!wasRunning && startDl < stopEnd -> max(startDl, now) : stopEnd)
#else
		endAt = stopEnd
#endif
	};
	if
	:: wasRunning && DRAIN > 0 -> dl = min(now + DRAIN, endAt); sleepUntil(dl, false) /* code: drain */
	:: else
	fi;
	d_step { /* code: stopServices, newBudget */
		/* A start that failed by itself does not pay for its rollback. */
		assert(reqWhy != 20 || endAt - now == BUDGET); /* PROMISE fresh-budget */
		u = 0;
		do
		:: u < N ->
			inTurnList[u] = started[u];
			toCome = toCome + started[u];
			u++
		:: else -> break
		od;
		if
		:: toCome > 0 ->
			quarter = (endAt - min(endAt, now)) / 4;
			promised = quarter / toCome
		:: else
		fi;
#ifndef F_NO_RESERVED_SHARE
		share = promised;
#endif
#ifndef F_NO_QUARTER_FOR_THE_NEXT
		next = quarter
#endif
	};
#ifdef F_FORWARD_ORDER
	u = 0;
	do
	:: u < N ->
		if
		:: inTurnList[u] -> toCome--; giveTurn(u)
		:: else
		fi;
		u++
	:: else -> break
	od;
#else
	do
	:: u > 0 ->
		u--;
		if
		:: inTurnList[u] -> toCome--; giveTurn(u)
		:: else
		fi
	:: else -> break
	od;
#endif
	skip;
	d_step { /* code: finish */
		u = 0;
		do
		:: u < N ->
			i_ = 0;
			do
			:: i_ < 4 ->
				if
				:: abandoned[CALL(u, i_)] && returned[CALL(u, i_)] -> noteFailure()
				:: abandoned[CALL(u, i_)] && !returned[CALL(u, i_)] -> enter(u, Failed); deserted = true; wrong = true
				:: else
				fi;
				i_++
			:: else -> break
			od;
			/* Nobody is left half way. */
			assert(!inTurnList[u] || state[u] == Stopped || state[u] == Completed || state[u] == Failed); /* PROMISE every-end-is-known */
			/* Every service that started had its turn. */
			assert(!started[u] || turnBegan[u]); /* PROMISE every-started-is-stopped */
			u++
		:: else -> break
		od;
		i_ = 0;
		u = 0;
		phase = ended;
		/* code: runMain */
#ifdef F_A_CUT_START_IS_A_FAILURE
		exitCode = failed || deserted || cut;
#elif defined(F_A_CUT_START_HIDES_FAILURES)
		exitCode = !cut && (failed || deserted);
#else
		exitCode = failed || deserted;
#endif
		/* Also when a signal came while starting: what was rolled back cleanly is
		   no failure, and what failed meanwhile is one. */
		assert(wrong == exitCode); /* PROMISE exit-code-of-what-failed */
		exitCode = 0;
		assert(now <= stopEnd); /* PROMISE within-the-budget */
		assert(reqWhy == firstWhy) /* PROMISE first-cause-wins */
	};
	over = true
}

/* ---- those who ask for the stop ---- */

/* code: Stop */
proctype caller(byte me)
{
	byte at = 0, dl = NEVER;
	bool won = false;
	do
	:: now < LATEST -> at = now + 1; sleepUntil(at, false)
	:: break
	od;
	if
	:: dl = NEVER
	:: DEADLINE != NEVER && me == 1 -> dl = now + DEADLINE
	fi;
	at = 0;
	requestStop(me, dl);
	over;
	d_step { answers++; dl = 0 }
}

/* Moves time on when nothing else can happen, and looks at the end when nothing
   ever will. */
#define waitsForStart (phase == starting && startDl != NEVER && now < startDl)
proctype clock()
{
	do
	:: timeout && sleepers > 0 -> now++
	:: timeout && sleepers == 0 && waitsForStart -> now++
	:: timeout && sleepers == 0 && !waitsForStart -> break
	od;
	skip;
	d_step {
		assert(over); /* PROMISE the-host-always-ends */
		i_ = 0;
		do
		:: i_ < N*MAXI -> assert(inst[i_] != iUp); /* PROMISE every-started-is-stopped */ i_++
		:: else -> break
		od
	}
}

#ifdef LIVENESS
/* Under weak fairness: whoever can go on goes on at some time. */
ltl ends { <> over }
#endif

init {
	atomic {
		run clock();
		run start();
		i_ = 0;
		do
		:: i_ < CALLERS -> i_++; run caller(i_)
		:: else -> break
		od;
		i_ = 0
	}
}
