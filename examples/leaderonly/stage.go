package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/steadgo/stead/hosted"
)

// stage runs three candidates as processes beside a Redis in memory, so that there
// is something to watch without installing anything.
type stage struct {
	redis *miniredis.Miniredis
	ttl   time.Duration

	mu        sync.Mutex
	processes map[string]*os.Process // the running ones
}

func newStage(ttl, kill time.Duration) *hosted.Host {
	s := &stage{redis: miniredis.NewMiniRedis(), ttl: ttl, processes: map[string]*os.Process{}}
	host := hosted.New(hosted.Config{Name: "stage", ShutdownTimeout: 20 * time.Second})
	host.Task("redis", func(context.Context) error { return s.redis.Start() })
	host.Go("clock", s.turnClock, hosted.After("redis"))
	for _, name := range []string{"anna", "bert", "cleo"} {
		host.Go(name, func(ctx context.Context) error { return s.run(ctx, name) }, hosted.After("clock"),
			hosted.OnFailure(hosted.Restart(hosted.RestartConfig{Limit: -1, Initial: time.Second, Always: true})))
	}
	if kill > 0 {
		fmt.Printf("The leader is killed every %v; another takes over within %v. Ctrl-C ends it all.\n", kill, ttl)
		host.Go("killer", func(ctx context.Context) error { return s.killer(ctx, kill) })
	} else {
		fmt.Println("Kill the leader (kill -9 and its pid) and watch another take over. Ctrl-C ends it all.")
	}
	return host
}

// turnClock lets leases expire: the time of this Redis stands still by itself.
func (s *stage) turnClock(ctx context.Context) error {
	last := time.Now()
	for tick := time.NewTicker(20 * time.Millisecond); ; {
		select {
		case now := <-tick.C:
			s.redis.FastForward(now.Sub(last))
			last = now
		case <-ctx.Done():
			tick.Stop()
			return ctx.Err()
		}
	}
}

// run is one candidate from its start to its end. That a process was killed is no error
// here, even if a stop comes in the same moment: it is started again.
func (s *stage) run(ctx context.Context, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "-store", "redis://"+s.redis.Addr()+"/0", "-name", name, "-ttl", s.ttl.String()) //nolint:gosec // itself
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 12 * time.Second
	out := &prefixed{name: name}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	s.mu.Lock()
	s.processes[name] = cmd.Process
	s.mu.Unlock()
	err = cmd.Wait()
	s.mu.Lock()
	delete(s.processes, name)
	s.mu.Unlock()
	if ctx.Err() != nil || err == nil {
		return nil //nolint:nilerr // a Ctrl-C reaches all processes of a terminal
	}
	fmt.Printf("%s | is gone (%v), and comes back when another leads\n", name, err)
	s.awaitSuccessor(ctx, name)
	return nil
}

// awaitSuccessor waits until a process other than name leads, or no other is left
// to do so. Without it a killed process that is back before its lease expires may
// win again, and there would be no takeover to watch.
func (s *stage) awaitSuccessor(ctx context.Context, name string) {
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		s.mu.Lock()
		others := len(s.processes)
		s.mu.Unlock()
		if leader := s.leader(); others == 0 || leader != "" && leader != name {
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return
		}
	}
}

// leader returns the name of the process that holds the lease, if one does. Tokens
// begin with the name of the candidate.
func (s *stage) leader() string {
	token, err := s.redis.Get("stead:lease:{" + group + "}")
	if err != nil {
		return ""
	}
	name, _, _ := strings.Cut(token, " ")
	return name
}

// killer kills the leader, without a warning, as kill -9 and a power cut do.
func (s *stage) killer(ctx context.Context, every time.Duration) error {
	for tick := time.NewTicker(every); ; {
		select {
		case <-tick.C:
			name := s.leader()
			s.mu.Lock()
			p := s.processes[name]
			s.mu.Unlock()
			if p == nil {
				continue // nobody leads right now
			}
			fmt.Printf("---- kill -9 %s ----\n", name)
			_ = p.Kill() // unless it has just ended by itself
		case <-ctx.Done():
			tick.Stop()
			return ctx.Err()
		}
	}
}

// prefixed prints whole lines with the name of who said them.
type prefixed struct {
	name string
	rest []byte
}

func (p *prefixed) Write(b []byte) (int, error) {
	p.rest = append(p.rest, b...)
	for {
		line, rest, ok := bytes.Cut(p.rest, []byte("\n"))
		if !ok {
			return len(b), nil
		}
		fmt.Printf("%s | %s\n", p.name, line)
		p.rest = rest
	}
}
