/*
 * The order of a stop side by side: every graph of N services, each with something to
 * stop or without, with so many places. README.md beside this file says more.
 */

#ifndef N
#define N 4
#endif
#ifndef PLACES
#define PLACES N         /* Config.StopConcurrency */
#endif

#define E(a, b) ((a)*N + (b))
bool comesAfter[N*N];    /* the services' After: a comes after b */
bool reaches[N*N];       /* the same, through any number of others */
bool started[N];         /* has something to stop; a Task has not */
bool begun[N], over[N];
byte places = 0;         /* that are taken */

/* What has to be over before u's turn. code: parallel, stopServices */
#ifdef F_SKIP_WHAT_HAS_NOTHING_TO_STOP
#define holds(v, u) (comesAfter[E(v, u)] && started[v] && !over[v])
#else
#define holds(v, u) (comesAfter[E(v, u)] && !over[v])
#endif
#ifdef F_FORGET_AN_EDGE
#define HOLDS(v, u) (v != N-1 && holds(v, u))
#else
#define HOLDS(v, u) holds(v, u)
#endif

proctype turn(byte u)
{
	byte v;
	/* Somebody else may take the place meanwhile, so this is one step. */
	atomic {
		(places < PLACES && !HOLDS(0, u) && !HOLDS(1, u) && !HOLDS(2, u) && !HOLDS(3, u));
		places++;
		begun[u] = true;
		assert(places <= PLACES); /* PROMISE no-more-than-StopConcurrency */
		v = 0;
		do
		:: v < N ->
			/* Whoever uses u, directly or through what has nothing to stop. */
			assert(!started[u] || !started[v] || !reaches[E(v, u)] || over[v]); /* PROMISE stops-after-all-that-come-after-it */
			v++
		:: else -> break
		od
	}
	/* the stop, which takes as long as it pleases */
	d_step { over[u] = true; places--; v = 0 }
}

init {
	byte a, b, c;
	atomic {
		a = 0;
		do
		:: a < N ->
			if
			:: started[a] = true
			:: skip
			fi;
			b = 0;
			do
			:: b < a ->
				if
				:: comesAfter[E(a, b)] = true
				:: skip
				fi;
				b++
			:: else -> break
			od;
			a++
		:: else -> break
		od;
		/* Each only comes after those with a smaller number, so one pass is enough. */
		a = 0;
		do
		:: a < N ->
			b = 0;
			do
			:: b < a ->
				if
				:: comesAfter[E(a, b)] ->
					reaches[E(a, b)] = true;
					c = 0;
					do
					:: c < b -> reaches[E(a, c)] = reaches[E(a, c)] || reaches[E(b, c)]; c++
					:: else -> break
					od
				:: else
				fi;
				b++
			:: else -> break
			od;
			a++
		:: else -> break
		od;
		a = 0;
		do
		:: a < N -> run turn(a); a++
		:: else -> break
		od;
		a = 0; b = 0; c = 0
	}
	(over[0] && over[1] && over[2] && over[3]) /* or it is an invalid end: PROMISE the-host-always-ends */
}
