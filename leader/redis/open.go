package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Open makes a client for a URL such as redis://user:password@host:6379/0; rediss
// is with TLS, unix is a socket. It does not connect yet, so a server that is away
// is no error here. The caller closes the store.
//
// An error says what is wrong with the URL, without its password. The client writes
// nothing to stderr when its server is away: that is in the errors of the store.
func Open(rawURL string) (*Store, error) {
	opts, err := parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("stead/leader/redis: open %q: %w", withoutPassword(rawURL), err)
	}
	opts.ContextTimeoutEnabled = true
	opts.DialTimeout = cmp.Or(opts.DialTimeout, 5*time.Second) // a dial with TLS looks at nothing else
	opts.Dialer = quiet(redis.NewDialer(opts))
	client := redis.NewClient(opts)
	return &Store{client, client.Close}, nil
}

func parse(rawURL string) (*redis.Options, error) {
	if !strings.Contains(rawURL, "://") { // host:port, as most other clients take it
		return nil, errors.New("the URL has no scheme: want redis://host:port, rediss://host:port or unix:///path")
	}
	if _, err := url.Parse(rawURL); err != nil {
		var where *url.Error
		if errors.As(err, &where) { // its text has the whole URL in it
			err = where.Err
		}
		return nil, err
	}
	return redis.ParseURL(rawURL)
}

// withoutPassword also works for what is no URL, which is when it is needed.
func withoutPassword(rawURL string) string {
	scheme, rest, found := strings.Cut(rawURL, "://")
	if !found {
		scheme, rest = "", rawURL
	} else {
		scheme += "://"
	}
	if i := strings.LastIndex(rest, "@"); i >= 0 {
		rest = "***" + rest[i:]
	}
	return scheme + rest
}

// quiet makes a dial succeed always: when it did not, with a connection whose every
// use returns the error. The client reports a failed dial to its logger too, which
// is stderr unless the program set another for all of its clients, and it does so
// at every try: an elector would fill a log with what it reports itself. The error
// reaches the caller just the same.
func quiet(dial func(ctx context.Context, network, addr string) (net.Conn, error)) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if err != nil {
			// Joined, as the client takes the outermost layer off the error of a new
			// connection: that is the one with the address.
			return &unconnected{errors.Join(err)}, nil
		}
		return conn, nil
	}
}

// unconnected is a connection that there is not. The client closes it at the first
// error, as any that broke.
type unconnected struct{ err error }

func (c *unconnected) Read([]byte) (int, error)         { return 0, c.err }
func (c *unconnected) Write([]byte) (int, error)        { return 0, c.err }
func (c *unconnected) Close() error                     { return nil }
func (c *unconnected) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *unconnected) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *unconnected) SetDeadline(time.Time) error      { return nil }
func (c *unconnected) SetReadDeadline(time.Time) error  { return nil }
func (c *unconnected) SetWriteDeadline(time.Time) error { return nil }
