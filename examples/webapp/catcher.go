package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// caught is a mail that the catcher received.
type caught struct {
	At      time.Time `json:"at"`
	From    string    `json:"from"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
}

// mostCaught bounds the memory of a catcher that nobody cleans up.
const mostCaught = 20_000

// Mailboxes that a real server has too. Sign up with one to see what becomes of
// the mail.
const (
	goneDomain = "gone.example" // refused permanently
	busyDomain = "busy.example" // refused for now, every other time
	slowDomain = "slow.example" // taken, in its own time

	slowness = 2 * time.Second
)

// catcher is a small mail server that keeps what it gets instead of delivering
// it, so that the example runs without a real one and nobody is written to. It is
// a service like any other: Start listens, Stop ends it.
type catcher struct {
	server *smtp.Server
	done   chan struct{}
	err    error // once done is closed

	mu       sync.Mutex
	listener net.Listener
	mails    []caught
}

func newCatcher() *catcher {
	c := &catcher{done: make(chan struct{})}
	c.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) {
		return &session{catcher: c}, nil
	}))
	c.server.Domain = "localhost"
	c.server.MaxMessageBytes = 1 << 20
	c.server.MaxRecipients = 10
	c.server.ReadTimeout, c.server.WriteTimeout = 10*time.Second, 10*time.Second
	return c
}

func (c *catcher) Start(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.listener = listener
	c.mu.Unlock()
	go func() {
		defer close(c.done)
		if err := c.server.Serve(listener); !errors.Is(err, smtp.ErrServerClosed) {
			c.err = err
		}
	}()
	return nil
}

// Stop cuts the connections. By then nobody sends any more: what was started
// after the catcher has stopped before it.
func (c *catcher) Stop(context.Context) error {
	err := c.server.Close()
	<-c.done
	return err
}

// Done and Err tell the host if the server ends by itself.
func (c *catcher) Done() <-chan struct{} { return c.done }
func (c *catcher) Err() error            { return c.err }

func (c *catcher) addr() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listener == nil {
		return ""
	}
	return c.listener.Addr().String()
}

func (c *catcher) keep(m caught) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.mails) == mostCaught {
		c.mails = slices.Delete(c.mails, 0, 1)
	}
	c.mails = append(c.mails, m)
}

// newest returns at most n mails, the newest first; all of them if n is 0.
func (c *catcher) newest(n int) []caught {
	c.mu.Lock()
	defer c.mu.Unlock()
	from := 0
	if n > 0 {
		from = max(0, len(c.mails)-n)
	}
	list := append([]caught{}, c.mails[from:]...) // never nil: an empty list in JSON
	slices.Reverse(list)
	return list
}

// cleanUp forgets mails that are older than a day.
func (c *catcher) cleanUp(context.Context) error {
	yesterday := time.Now().Add(-24 * time.Hour)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mails = slices.DeleteFunc(c.mails, func(m caught) bool { return m.At.Before(yesterday) })
	return nil
}

// session is one connection.
type session struct {
	catcher *catcher
	from    string
	to      []string
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Reset()                                      { s.from, s.to = "", nil }
func (s *session) Logout() error                               { return nil }

// Rcpt takes everybody, but for the odd ones.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch _, domain, _ := strings.Cut(to, "@"); {
	case domain == goneDomain:
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such mailbox"}
	case domain == busyDomain && rand.IntN(2) == 0:
		return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "greylisted, try again later"}
	case domain == slowDomain:
		select {
		case <-time.After(slowness):
		case <-s.catcher.done:
		}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	msg, err := mail.ReadMessage(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, Message: "not a mail: " + err.Error()}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil {
		subject = msg.Header.Get("Subject")
	}
	body := msg.Body
	if msg.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
		body = quotedprintable.NewReader(body)
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	for _, to := range s.to {
		s.catcher.keep(caught{At: time.Now(), From: s.from, To: to, Subject: subject, Text: string(text)})
	}
	return nil
}
