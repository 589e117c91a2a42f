package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"text/template"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/examples/internal/cli"
)

// welcome is a mail to send. Only what is needed to make it goes through the
// queue; the rendering is part of the work. A store keeps it as JSON.
type welcome struct {
	Email string `json:"email"`
}

var welcomeText = template.Must(template.ParseFS(files, "templates/welcome.txt"))

// mailer sends welcome mails. It may be used by many workers at a time.
type mailer struct {
	host     string
	options  []mail.Option
	dial     mail.DialContextFunc
	failRate float64
	hangAt   string
}

// patience is how long the mail server may take for a mail.
const patience = 20 * time.Second

// newMailer makes a mailer for the server of cfg or, without one, the catcher,
// whose port is known only once it runs: hence a dial function.
func newMailer(cfg config, c *catcher) *mailer {
	host, port, tls := "localhost", 25, mail.NoTLS
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, c.addr())
	}
	if cfg.smtp != "" {
		host, port, _ = splitHostPort(cfg.smtp) // checked by parse
		tls, dial = mail.TLSOpportunistic, new(net.Dialer).DialContext
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTLSPolicy(tls), mail.WithHELO("localhost"), mail.WithTimeout(patience), mail.WithoutNoop()}
	return &mailer{host, options, dial, cfg.failRate, cfg.hangAt}
}

// send renders one mail and hands it to the server. An error is retried, unless the
// server said that it is permanent. With a store, a crash between the server's yes
// and the note of it sends the mail twice: better than never.
func (m *mailer) send(ctx context.Context, w welcome) error {
	if m.hangAt == w.Email && m.hangAt != "" {
		select {}
	}
	if rand.Float64() < m.failRate {
		return errors.New("made to fail by -fail-rate")
	}
	msg, err := m.render(w)
	if err != nil {
		return channelq.Permanent(err) // the next attempt would render the same
	}
	// The library looks at no context once it is connected, and its Close waits for the
	// reply that does not come. So the connection is kept and closed when the stop
	// cannot wait any longer. A deadline would not do: the library sets its own.
	cut := func() bool { return true }
	defer func() { cut() }()
	client := cli.Must(mail.NewClient(m.host, append(slices.Clip(m.options),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			conn, err := m.dial(dialing, network, address)
			if err == nil {
				cut = context.AfterFunc(ctx, func() { _ = conn.Close() })
			}
			return conn, err
		}))...))
	server, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	err = client.SendWithSMTPClient(server, msg)
	// Once the server has taken the mail, a failed goodbye is no reason to send
	// it again.
	_ = client.CloseWithSMTPClient(server)
	var refused *mail.SendError
	if !errors.As(err, &refused) {
		return err
	}
	if refused.ErrorCode() >= 500 {
		return channelq.Permanent(withoutAddress(refused))
	}
	return withoutAddress(refused)
}

// withoutAddress is a refusal as logs and pages may show it. The library's text
// names the recipient, and that of the server often does.
func withoutAddress(refused *mail.SendError) error {
	if refused.ErrorCode() == 0 {
		return errors.New(refused.Reason.String())
	}
	return fmt.Errorf("%s: the server answers %d %s", refused.Reason, refused.ErrorCode(), refused.EnhancedStatusCode())
}

func (m *mailer) render(w welcome) (*mail.Msg, error) {
	var text bytes.Buffer
	if err := welcomeText.Execute(&text, w); err != nil {
		return nil, err
	}
	msg := mail.NewMsg()
	msg.Subject("Welcome to the shop")
	msg.SetDate()
	msg.SetMessageID()
	msg.SetBodyString(mail.TypeTextPlain, text.String())
	if msg.To(w.Email) != nil {
		return nil, errors.New("the recipient is not an address") // which its error would name
	}
	return msg, msg.From("shop@example.com")
}

// leftovers are the mails that were promised and not sent: left over by a stop, or
// given up after the last attempt.
type leftovers struct {
	mu     sync.Mutex
	mails  []welcome
	gaveUp []welcome
}

// giveUp remembers a mail that no attempt got sent.
func (l *leftovers) giveUp(_ context.Context, mail welcome, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gaveUp = append(l.gaveUp, mail)
}

// keep remembers them for the report. It says that they are not taken care of,
// so that the program does not end as if everything had been sent: the promise
// was a mail and not a line in a file.
func (l *leftovers) keep(_ context.Context, mails []welcome) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mails = append(l.mails, mails...)
	return fmt.Errorf("mails not sent: %d", len(mails))
}

// addresses are those of the mails left over and of those given up.
func (l *leftovers) addresses() (left, gaveUp []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return addressesOf(l.mails), addressesOf(l.gaveUp)
}

func addressesOf(mails []welcome) []string {
	all := make([]string, len(mails))
	for i, m := range mails {
		all[i] = m.Email
	}
	return all
}

func splitHostPort(s string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(s)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	if err != nil || host == "" || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("%q is not host:port", s)
	}
	return host, port, nil
}
