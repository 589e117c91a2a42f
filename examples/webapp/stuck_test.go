package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wneessen/go-mail"
)

// stuckServer is a mail server that does not answer a line that begins with at, nor, if at
// is empty, the connection. It says on the channel that one has come.
func stuckServer(t *testing.T, at string) (address string, stuck <-chan struct{}) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 1000)
	var talks sync.WaitGroup
	talks.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			talks.Go(func() { answer(conn, at, asked) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		talks.Wait()
	})
	return l.Addr().String(), asked
}

// answer returns when the client has gone.
func answer(conn net.Conn, at string, asked chan<- struct{}) {
	defer conn.Close()
	if at == "" {
		asked <- struct{}{}
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	fmt.Fprint(conn, "220 here\r\n")
	for lines, text := bufio.NewScanner(conn), false; lines.Scan(); {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, at) && !(at == "." && line != "."):
			asked <- struct{}{}
		case line == "DATA":
			text = true
			fmt.Fprint(conn, "354 go on\r\n")
		case !text:
			fmt.Fprint(conn, "250 yes\r\n")
		}
	}
}

func TestATransferThatIsStuckEndsWithItsContext(t *testing.T) {
	for name, at := range map[string]string{"greeting": "", "hello": "EHLO", "recipient": "RCPT", "end of the text": "."} {
		t.Run(name, func(t *testing.T) {
			address, stuck := stuckServer(t, at)
			m := newMailer(config{smtp: address}, nil)
			m.options = append(m.options, mail.WithTimeout(time.Hour)) // the context is to end it
			ctx, cancel := context.WithCancel(t.Context())
			sent := make(chan error, 1)
			go func() { sent <- m.send(ctx, welcome{"ada@example.com"}) }()
			<-stuck
			cancel()
			select {
			case err := <-sent:
				if err == nil {
					t.Error("it says that the mail was sent")
				}
			case <-time.After(time.Minute):
				t.Fatal("it is still stuck")
			}
		})
	}
}

func TestProgramLeavesNobodyBehindAtAStuckServer(t *testing.T) {
	t.Parallel()
	address, stuck := stuckServer(t, "RCPT")
	p := start(t, nil, "-smtp", address, "-shutdown-timeout", "10s")
	const visitors = 60
	for i := range visitors {
		p.post(form, fmt.Sprintf("email=visitor-%d%%40example.com", i))
	}
	<-stuck
	p.Signal(syscall.SIGTERM)
	if code := p.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	w := p.written()
	if len(w.Leftover) != visitors || len(w.Report.Stragglers) > 0 {
		t.Errorf("%d left over; did not return: %v", len(w.Leftover), w.Report.Stragglers)
	}
}
