//go:build unix

package faulttest_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// worker is a running worker program.
type worker struct {
	t      *testing.T
	cmd    *exec.Cmd
	log    string
	client string // how the engine calls it, once it is ready
	ended  chan struct{}
}

// launch starts the program without waiting for it. It is killed at the end of
// the test if it still runs; its log is shown if the test failed.
func launch(t *testing.T, b *bed, args ...string) *worker {
	t.Helper()
	return launchAs(t, []string{program}, b.arg, b.journal, args...)
}

func launchAs(t *testing.T, command []string, store, journal string, args ...string) *worker {
	t.Helper()
	command = append(command, "-store", store, "-journal", journal)
	command = append(command, args...)
	w := &worker{t: t, cmd: exec.Command(command[0], command[1:]...), log: filepath.Join(t.TempDir(), "log"), ended: make(chan struct{})}
	file, err := os.Create(w.log)
	must(t, err)
	w.cmd.Stdout, w.cmd.Stderr = file, file
	must(t, w.cmd.Start())
	must(t, file.Close()) // the program has its own
	go func() {
		_ = w.cmd.Wait() // how it ended is in ProcessState
		close(w.ended)
	}()
	t.Cleanup(func() {
		w.kill()
		if t.Failed() {
			t.Logf("worker %d:\n%s", w.cmd.Process.Pid, tail(w.output(), 6000))
		}
	})
	return w
}

// start starts the program and waits until it works.
func start(t *testing.T, b *bed, args ...string) *worker {
	t.Helper()
	return up(t, func() *worker { return launch(t, b, args...) })
}

// up waits until a program works. One whose start failed, as on a machine that is too busy
// to connect to the store in time, is launched again, as a supervisor does.
func up(t *testing.T, launch func() *worker) *worker {
	t.Helper()
	for range 4 {
		w := launch()
		until(t, "worker ready, or its start failed", patience, func() bool { return w.worked() || w.over() })
		if w.worked() {
			return w
		}
		t.Logf("launched again: %s", w.output())
	}
	return launch().ready()
}

// over reports whether the program has ended.
func (w *worker) over() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

// worked reports whether the program has said that it works.
func (w *worker) worked() bool {
	_, after, _ := strings.Cut(w.output(), "ready ")
	client, _, whole := strings.Cut(after, "\n")
	if whole {
		w.client = client
	}
	return whole
}

func (w *worker) ready() *worker {
	w.t.Helper()
	until(w.t, "worker ready", patience, func() bool {
		if w.over() && !w.worked() {
			w.t.Fatalf("the worker ended: %s", w.output())
		}
		return w.worked()
	})
	return w
}

func (w *worker) output() string {
	text, err := os.ReadFile(w.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// kill is kill -9.
func (w *worker) kill() {
	_ = w.cmd.Process.Kill() // it may have ended
	<-w.ended
}

func (w *worker) signal(sig syscall.Signal) {
	w.t.Helper()
	must(w.t, w.cmd.Process.Signal(sig))
}

// finish ends the worker as a deployment does, which it has to do in time.
func (w *worker) finish() {
	w.t.Helper()
	w.signal(syscall.SIGTERM)
	<-w.ended
	if code := w.cmd.ProcessState.ExitCode(); code != 0 {
		w.t.Errorf("a worker ended with %d", code)
	}
}

// entry is a line of the journal.
type entry struct {
	kind, what string
	id, pid    int
	at         time.Time
}

// read returns what the handlers have written. A line that a kill cut off is not
// possible: each is one write.
func (b *bed) read(t *testing.T) (list []entry) {
	t.Helper()
	text, err := os.ReadFile(b.journal)
	if os.IsNotExist(err) {
		return nil
	}
	must(t, err)
	for line := range bytes.Lines(text) {
		var e entry
		var ms int64
		if n, err := fmt.Sscanf(string(line), "%s %s %d %d %d", &e.kind, &e.what, &e.id, &e.pid, &ms); n != 5 {
			t.Fatalf("journal line %q: %v", line, err)
		}
		e.at = time.UnixMilli(ms)
		list = append(list, e)
	}
	return list
}

// tally is what the journal says about the jobs of one kind.
type tally struct {
	lost, again []int // ended nowhere; ended more than once
	foreign     []int // ended, but never enqueued
	last        time.Time
	runs        int // begun
}

// judge compares the set of jobs that were accepted with the set that ended.
func (b *bed) judge(t *testing.T, kind string, accepted []int) (y tally) {
	t.Helper()
	ends := map[int]int{}
	for _, e := range b.read(t) {
		switch {
		case e.kind != kind:
		case e.what == "begin":
			y.runs++
		default:
			ends[e.id]++
			y.last = e.at
		}
	}
	for _, id := range accepted {
		switch n := ends[id]; {
		case n == 0:
			y.lost = append(y.lost, id)
		case n > 1:
			y.again = append(y.again, id)
		}
		delete(ends, id)
	}
	for id := range ends {
		y.foreign = append(y.foreign, id)
	}
	if len(y.lost) > 0 || len(y.foreign) > 0 {
		t.Errorf("lost %v, never enqueued %v", y.lost, y.foreign)
	}
	return y
}

// inHand are the jobs that a process has begun and not ended.
func (b *bed) inHand(t *testing.T, w *worker) map[int]bool {
	t.Helper()
	hand := map[int]bool{}
	for _, e := range b.read(t) {
		if e.pid == w.cmd.Process.Pid && e.kind != "tick0" && e.kind != "tick1" {
			if e.what == "begin" {
				hand[e.id] = true
			} else {
				delete(hand, e.id)
			}
		}
	}
	return hand
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }
