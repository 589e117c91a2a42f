//go:build unix

package leader_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/steadgo/stead/internal/testserver"
)

func TestThreeProcessesAreNeverInsideAtOnceInAThousandTerms(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		c := newCrew(t, 10*time.Second, 4*time.Millisecond)
		for _, who := range []string{"a", "b", "c"} {
			c.send(who, "terms", b.url)
		}
		took := c.eventually("1000 terms, some of each", func() bool {
			return strings.Count(c.text(), "enter") >= 1000 && len(c.judge().enteredBy) == 3
		})
		for who := range c.members {
			c.signal(who, syscall.SIGTERM)
			c.end(who, 0)
		}
		t.Logf("1000 terms took %v", took)
		c.judge().wantExclusive(t)
	})
}

func TestTheNaiveLockOfThreeProcessesIsCaughtByTheSameChecker(t *testing.T) {
	testserver.Wanted(t)
	b := onRedis(t)
	c := newCrew(t, 300*time.Millisecond, 0)
	for _, who := range []string{"a", "b", "c"} {
		c.send(who, "naive", b.url)
	}
	began := time.Now()
	c.eventually("overlaps", func() bool { return time.Since(began) > 5*time.Second && c.judge().overlap > time.Second })
	foreign := 0
	for who := range c.members {
		c.signal(who, syscall.SIGTERM)
		foreign += strings.Count(c.end(who, 0), "foreign")
	}
	v := c.judge()
	t.Logf("%d terms in %v, at most %d inside, overlap %v, %d keys of others deleted", v.terms, time.Since(began), v.most, v.overlap, foreign)
	if v.most < 2 || foreign == 0 {
		t.Error("the checker sees nothing wrong")
	}
}

func TestAKilledLeaderIsReplacedWhenItsLeaseEnds(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		c := newCrew(t, 3*time.Second, 200*time.Millisecond)
		for _, who := range []string{"a", "b", "c"} {
			c.send(who, "lead", b.url)
		}
		old, _ := c.newLeader("")
		for range 2 {
			time.Sleep(c.ttl / 3)
			c.signal(old, syscall.SIGKILL)
			c.section.died(old) // at once: the next may enter while a busy machine buries it
			killed := time.Now()
			c.end(old, -1)
			who, _ := c.newLeader(old)
			v := c.judge()
			t.Logf("killed; the next leads after %v of a TTL of %v", v.firstAt[who].Sub(killed), c.ttl)
			// Not before the lease was over, which began before the first entry, on a busy
			// machine a while before.
			if took := v.firstAt[who].Sub(v.firstAt[old]); took < 2*c.ttl/3 {
				t.Errorf("the next leads %v after the first already", took)
			}
			old = who
		}
		c.judge().wantExclusive(t)
	})
}

func TestAShutdownHandsTheLeadOver(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		c := newCrew(t, time.Minute, 0) // with the default of Retry
		for _, who := range []string{"a", "b", "c"} {
			c.send(who, "lead", b.url)
		}
		old, _ := c.newLeader("")
		for range 2 {
			c.signal(old, syscall.SIGTERM)
			c.end(old, 0)
			who, _ := c.newLeader(old)
			v := c.judge()
			took := v.firstAt[who].Sub(v.lastAt[old])
			t.Logf("nobody was inside for %v", took)
			if took > c.ttl/2 {
				t.Errorf("the hand-over took %v, which is as long as without one", took)
			}
			old = who
		}
		c.judge().wantExclusive(t)
	})
}

func TestAHolderThatWasStoppedPastItsTTLIsReplacedAndItsWriteRefused(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		c := newCrew(t, 4*time.Second, 200*time.Millisecond)
		c.send("a", "lead", b.url)
		c.newLeader("")
		c.send("b", "lead", b.url)
		c.eventually("a writes", func() bool { n, _ := c.writes("a"); return n > 10 })
		c.signal("a", syscall.SIGSTOP)
		stopped := time.Now()
		// It is still inside, for all it knows.
		c.eventually("b leads and writes", func() bool { n, _ := c.writes("b"); return n > 10 })
		t.Logf("b wrote %v after the stop, of a TTL of %v", time.Since(stopped), c.ttl)
		c.signal("a", syscall.SIGCONT)
		c.eventually("a has left", func() bool { return c.inside() == "b" })
		c.eventually("a write of the old leader is refused", func() bool { _, refused := c.writes("a"); return refused > 0 })
		if _, refused := c.writes("b"); refused != 0 {
			t.Errorf("%d writes of the new leader were refused", refused)
		}
		if v := c.judge(); v.disorder != 0 {
			t.Errorf("%d fences did not rise", v.disorder)
		}
		c.signal("b", syscall.SIGTERM)
		c.newLeader("b") // a is a candidate like any other again
	})
}

// A store that loses a lease makes two leaders until the first asks it again: a
// third of the TTL. The fence keeps the older from writing.
func TestALeaseThatTheStoreLostCostsAThirdOfTheTTLAndTheFenceRises(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		for _, how := range []string{"wiped", "restarted"} {
			if how == "restarted" && !b.fresh {
				continue // its restart loses nothing, see the next test
			}
			t.Run(how, func(t *testing.T) {
				c := newCrew(t, 6*time.Second, 20*time.Millisecond)
				c.send("a", "lead", b.url)
				c.newLeader("")
				c.send("b", "lead", b.url)
				c.eventually("a writes", func() bool { n, _ := c.writes("a"); return n > 10 })
				began := time.Now()
				if how == "wiped" {
					b.wipe()
				} else {
					b.kill()
					b.start()
				}
				c.eventually("one of them leads a second term", func() bool { return c.judge().terms >= 2 && c.inside() != "" })
				v := c.judge()
				t.Logf("two leaders for %v of a TTL of %v, settled after %v", v.overlap, c.ttl, time.Since(began))
				if v.disorder != 0 {
					t.Errorf("%d fences did not rise", v.disorder)
				}
				if v.overlap > c.ttl {
					t.Errorf("two leaders for %v", v.overlap)
				}
				if v.overlap > 0 && v.enteredBy["b"] > 0 {
					c.eventually("a write of the older leader is refused", func() bool { _, refused := c.writes("a"); return refused > 0 })
				}
				for who := range c.members {
					c.signal(who, syscall.SIGTERM)
					c.end(who, 0)
				}
				b.wipe()
			})
		}
	})
}

func TestAShortOutageOfAStoreThatRemembersCostsNothing(t *testing.T) {
	testserver.Wanted(t)
	b := onPostgres(t)
	c := newCrew(t, 20*time.Second, 100*time.Millisecond) // so that a slow restart is short too
	c.send("a", "lead", b.url)
	c.newLeader("")
	c.send("b", "lead", b.url)
	b.kill()
	b.start()
	time.Sleep(c.ttl)
	v := c.judge()
	v.wantExclusive(t)
	if v.terms != 1 {
		t.Errorf("%d terms", v.terms)
	}
}

func TestAnOutageEndsTheWorkBeforeItsLeaseAndTheLeadComesBack(t *testing.T) {
	onBackends(t, func(t *testing.T, b backend) {
		c := newCrew(t, 10*time.Second, 100*time.Millisecond)
		for _, who := range []string{"a", "b"} {
			c.send(who, "lead", b.url)
		}
		who, _ := c.newLeader("")
		b.kill()
		killed := time.Now()
		c.eventually("the leader leaves", func() bool { return !c.judge().lastAt[who].IsZero() })
		took := c.judge().lastAt[who].Sub(killed)
		t.Logf("left %v after the store, of a TTL of %v", took, c.ttl)
		if took >= c.ttl {
			t.Errorf("it worked for %v without the store", took)
		}
		b.start()
		began := time.Now()
		c.newLeader("")
		t.Logf("somebody led %v after the store was back", time.Since(began))
		c.judge().wantExclusive(t)
	})
}
