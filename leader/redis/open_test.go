package redis_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	client "github.com/redis/go-redis/v9"

	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/redis"
)

func TestAnErrorOfOpenNamesWhatIsWrongAndNoPassword(t *testing.T) {
	for url, want := range map[string]string{
		"":                          "no scheme: want redis://",
		"localhost:6379":            "no scheme: want redis://",
		"10.0.0.1:6379":             "no scheme: want redis://",
		"user:secret@cache:6379":    `"***@cache:6379": the URL has no scheme`,
		"http://u:secret@cache":     "http",
		"redis://u:sec ret@cache:1": `"redis://***@cache:1": net/url: invalid userinfo`,
		"redis://u:secret@cache/x":  "database number",
		"redis://u:secret@cache?x=": "unexpected option: x",
	} {
		_, err := redis.Open(url)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sec") {
			t.Errorf("Open(%q) = %v", url, err)
		}
	}
}

// logged is a logger for all clients of the program, as go-redis has it.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Printf(_ context.Context, format string, _ ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.WriteString(format + "\n")
}

func TestAServerThatIsAwayIsInTheErrorAndNotOnStderr(t *testing.T) {
	var log logged
	client.SetLogger(&log)     // there is no way to read what was there
	const addr = "127.0.0.1:1" // where nobody listens, nor will
	for _, url := range []string{"redis://" + addr, "rediss://" + addr, "unix://" + t.TempDir() + "/none"} {
		s, err := redis.Open(url)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Acquire(t.Context(), "news", "a", time.Minute); err == nil || !strings.Contains(err.Error(), "dial ") {
			t.Errorf("%s: Acquire = %v", url, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	log.mu.Lock()
	defer log.mu.Unlock()
	if log.text.Len() > 0 {
		t.Errorf("the client wrote about it:\n%s", log.text.String())
	}
}

func TestAStoreWithoutAClientIsRefusedAtOnce(t *testing.T) {
	for _, s := range []*redis.Store{redis.Wrap(nil), redis.Wrap((*client.Client)(nil))} {
		if _, err := leader.New(s, leader.Config{Group: "news"}); err == nil || !strings.Contains(err.Error(), "the store is nil") {
			t.Errorf("New: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAServerThatComesBackIsFoundAgain(t *testing.T) {
	m := miniredis.RunT(t)
	s := open(t, m.Addr())
	acquire(t, s, "a")
	m.Close()
	if _, err := s.Renew(t.Context(), "news", "a", time.Minute); err == nil {
		t.Error("a renewal by a server that is away")
	}
	for began := time.Now(); ; time.Sleep(time.Millisecond) { // somebody else may have the port for a moment
		err := m.Restart()
		if err == nil {
			break
		}
		if time.Since(began) > 2*time.Minute {
			t.Fatal(err)
		}
	}
	if ok, err := s.Renew(t.Context(), "news", "a", time.Minute); !ok || err != nil {
		t.Errorf("Renew = %v, %v", ok, err)
	}
}
