package hosted_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/steadgo/stead/hosted"
)

// randomSeed, set to a number that a failure names, makes the test run that host alone;
// randomHosts is how many it makes otherwise.
const (
	randomSeed  = "STEAD_RANDOM_HOST"
	randomHosts = "STEAD_RANDOM_HOSTS"
)

// Random hosts, of services of every kind, in hosts in hosts, ordered by After, that
// succeed, fail, are late or are stuck in any call, and are told to stop at a random
// moment in a random way. Whatever they do:
//
//  1. Run returns within the budget of its host, or the caller's if that is less, from
//     the moment that the stop was asked for.
//  2. What came up is stopped once, each instance; what did not is not stopped.
//  3. No call into a service, or an instance, is made while another one is on.
//  4. A service starts when all that it comes after are up, and its Stop is called when
//     all that come after it have stopped or were given up, whatever is between them.
//  5. Each hook is called once at most, and in its place.
//  6. What is not back when Run returns is named as a straggler, and what is named is
//     not back.
//  7. No service is left half way: each is stopped, completed, failed or new.
//  8. If no service was made to fail, to be late or to be stuck, and the start was
//     through, the result is nil.
//  9. Everybody gets the same result, and what comes back late changes nothing of it.
//  10. Readiness is off from the request on, and no goroutine is left in the end.
func TestRandomHostsKeepThePromisesOfAStop(t *testing.T) {
	if text := os.Getenv(randomSeed); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		randomLife(t, seed)
		return
	}
	n := 2000
	if text := os.Getenv(randomHosts); text != "" {
		n, _ = strconv.Atoi(text)
	}
	if testing.Short() {
		n = 300
	}
	first := rand.Uint64N(1 << 48)
	t.Logf("%d hosts, the first by the seed %d", n, first)
	for i := range n {
		randomLife(t, first+uint64(i))
	}
}

func randomLife(t *testing.T, seed uint64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &witness{r: rand.New(rand.NewPCG(seed, 1)), release: make(chan struct{}), nested: map[*hosted.Host]*inside{}}
		hosts, cfg := w.host("", nil, order{})
		h := hosts[0]
		live(t, w, h, cfg)
		for _, wrong := range w.wrong {
			t.Error(wrong)
		}
		if t.Failed() {
			t.Logf("%s\n%s", h.Graph(), h.Report())
			t.Logf("to see it again: %s=%d go test -run %s ./hosted", randomSeed, seed, t.Name())
		}
	})
}

// host makes a host with services; they come after what is before
// the host it is in.
func (w *witness) host(prefix string, in []*hosted.Host, before order) ([]*hosted.Host, hosted.Config) {
	r := w.r
	cfg := hosted.Config{
		Name:             "host" + prefix,
		StartConcurrency: r.IntN(4),
		StopConcurrency:  max(0, r.IntN(6)-2),
		ShutdownTimeout:  time.Duration(1000+r.IntN(15000)) * time.Millisecond,
	}
	if r.IntN(3) == 0 {
		cfg.StartTimeout = time.Duration(500+r.IntN(4000)) * time.Millisecond
	}
	if r.IntN(4) == 0 {
		cfg.DrainDelay = cfg.ShutdownTimeout / time.Duration(4+r.IntN(10))
	}
	h := hosted.New(cfg)
	in = append(slices.Clone(in), h)
	n := 1 + r.IntN(7)
	good := []int{60, 85, 95, 100}[r.IntN(4)]
	oneByOne := cfg.StartConcurrency <= 1
	stopsOneByOne := cfg.StopConcurrency == 1 || cfg.StopConcurrency == 0 && oneByOne
	var names []string
	var behind []order // what a service stands for to those after it: itself, and all before it
	for i := range n {
		name := fmt.Sprint("s", i)
		var opts []hosted.Option
		own := before
		for j, other := range names {
			after := r.IntN(4) == 0
			if after {
				opts = append(opts, hosted.After(other))
			}
			if after || oneByOne {
				own.start = append(slices.Clone(own.start), behind[j].start...)
			}
			if after || stopsOneByOne {
				own.stop = append(slices.Clone(own.stop), behind[j].stop...)
			}
		}
		if r.IntN(6) == 0 {
			w.bad = true // nobody else can say how long is too long
			opts = append(opts, hosted.StopTimeout(cfg.ShutdownTimeout/time.Duration(2+r.IntN(8))))
		}
		made := w.add(in, name, prefix+name, own, opts, good)
		names = append(names, name)
		behind = append(behind, own.and(order{made, made}))
	}
	return in, cfg
}

// add adds one service of some kind.
func (w *witness) add(in []*hosted.Host, name, path string, o order, opts []hosted.Option, good int) []*actor {
	r, h := w.r, in[len(in)-1]
	service := func(a *actor) *acting { return &acting{a, w.behave(good), w.behave(good)} }
	policy := []hosted.Policy{
		hosted.StopHost(), hosted.Ignore(),
		hosted.Restart(hosted.RestartConfig{Initial: 100 * time.Millisecond, Limit: 1 + r.IntN(3)}),
	}[r.IntN(3)]
	kind := r.IntN(8)
	if kind == 7 && len(in) > 2 {
		kind = 0
	}
	switch kind {
	case 1:
		a := w.actor(in, path, o, false)
		h.Add(name, &hooking{service(a), w.behave(good)}, opts...)
		return []*actor{a}
	case 2, 3:
		a := w.actor(in, path, o, true)
		ready := kind == 3
		if ready {
			opts = append(opts, hosted.WaitReady())
		}
		body := idle
		if r.IntN(100) >= good {
			body = w.behave(0)
		}
		h.Go(name, a.run(ready, body), append(opts, hosted.OnFailure(policy))...)
		return []*actor{a}
	case 4:
		a := w.actor(in, path, o, false)
		e := &endingActor{acting: service(a), done: make(chan struct{})}
		if r.IntN(100) >= good {
			w.bad, e.err = true, errOther
			time.AfterFunc(time.Duration(r.IntN(5000))*time.Millisecond, func() { close(e.done) })
		}
		h.Add(name, e, opts...)
		return []*actor{a}
	case 5:
		return w.addFresh(in, name, path, o, append(opts, hosted.OnFailure(policy)), good)
	case 6:
		h.Task(name, w.behave(good), opts...)
		return nil // it has nothing to stop; what it comes after still counts
	case 7:
		before := len(w.actors)
		inner, _ := w.host(path+"/", in, o)
		last := inner[len(inner)-1]
		n := &inside{Service: last, w: w}
		w.nested[last] = n
		h.Add(name, n, opts...)
		return slices.Clone(w.actors[before:])
	default:
		a := w.actor(in, path, o, false)
		h.Add(name, service(a), opts...)
		return []*actor{a}
	}
}

// addFresh adds a service of which each instance is an actor. Their behaviour is
// chosen beforehand: while the host runs the source of chance is nobody's.
func (w *witness) addFresh(in []*hosted.Host, name, path string, o order, opts []hosted.Option, good int) []*actor {
	const most = 4 // instances: the limit of restarts is lower
	var instances []*endingActor
	var all []*actor
	fails := w.r.IntN(100) >= good
	for i := range most {
		a := w.actor(in, path+strings.Repeat("#", min(i, 1)), o, false)
		a.anew = fails
		e := &endingActor{acting: &acting{a, w.behave(good), w.behave(good)}, done: make(chan struct{}), err: errOther}
		instances = append(instances, e)
		all = append(all, a)
	}
	after := time.Duration(w.r.IntN(3000)) * time.Millisecond
	w.bad = w.bad || fails
	made := 0
	in[len(in)-1].Add(name, hosted.Fresh(func() (hosted.Service, error) {
		if made == most {
			w.wrongf("%s: more instances than restarts", path)
			return nil, errBoom
		}
		e := instances[made]
		if made > 0 {
			w.mu.Lock()
			if last := instances[made-1]; last.in != "" {
				w.wrong = append(w.wrong, fmt.Sprintf("%s: a new instance while the last is in %s", path, last.in))
			}
			w.mu.Unlock()
		}
		made++
		if fails {
			time.AfterFunc(after, func() { close(e.done) })
		}
		return e, nil
	}), opts...)
	return all[:1] // those after it need the first one to be up
}
