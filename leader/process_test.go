//go:build unix

package leader_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	client "github.com/redis/go-redis/v9"

	"github.com/steadgo/stead/hosted"
	"github.com/steadgo/stead/leader"
	"github.com/steadgo/stead/leader/postgres"
	"github.com/steadgo/stead/leader/redis"
	"github.com/steadgo/stead/lifecycle"
)

// part is what a process of these tests is told by its environment.
type part struct {
	who     string
	store   string
	ledger  string // where to write with a fence; empty: nowhere
	section *section
	cfg     leader.Config
}

func play(name string) int {
	section, err := openSection(os.Getenv("LEADER_TEST_SECTION"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ttl, errTTL := time.ParseDuration(os.Getenv("LEADER_TEST_TTL"))
	retry, errRetry := time.ParseDuration(os.Getenv("LEADER_TEST_RETRY"))
	if errTTL != nil || errRetry != nil {
		fmt.Fprintln(os.Stderr, errTTL, errRetry)
		return 1
	}
	p := part{
		who: os.Getenv("LEADER_TEST_WHO"), store: os.Getenv("LEADER_TEST_STORE"),
		ledger: os.Getenv("LEADER_TEST_LEDGER"), section: section,
		cfg: leader.Config{
			Group: "news", TTL: ttl, Retry: retry, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
			Margin: ttl / 5, // on a busy machine the work takes that long to leave
		},
	}
	ctx, cancel := lifecycle.SignalContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	switch name {
	case "lead":
		err = p.lead()
	case "terms":
		err = p.terms(ctx)
	case "naive":
		err = p.naive(ctx)
	default:
		err = fmt.Errorf("no part %q", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func (p *part) open() (leader.Store, error) {
	if strings.HasPrefix(p.store, "redis:") {
		return redis.Open(p.store)
	}
	return postgres.Open(context.Background(), p.store)
}

// lead is a program with one leader-only service.
func (p *part) lead() error {
	store, err := p.open()
	if err != nil {
		return err
	}
	elector, err := leader.New(store, p.cfg)
	if err != nil {
		return err
	}
	host := hosted.New(hosted.Config{})
	host.Add("news", leader.Loop(elector, func(ctx context.Context) error {
		fence := leader.Fence(ctx)
		p.write(fence) // from here on, one of who was inside before is refused
		p.section.enter(p.who, fence)
		for tick := time.NewTicker(10 * time.Millisecond); ; {
			select {
			case <-tick.C:
				p.write(fence)
			case <-ctx.Done():
				tick.Stop()
				p.section.leave(p.who, fence)
				p.write(fence) // one that was past every check when the lease was lost
				return ctx.Err()
			}
		}
	}))
	go func() {
		<-host.Lifetime().Started()
		p.section.up(p.who)
	}()
	hosted.Main(host)
	return nil
}

// write sends a write to the ledger, which may refuse it.
func (p *part) write(fence int64) {
	if p.ledger == "" {
		return
	}
	c := http.Client{Timeout: time.Minute}
	if r, err := c.Get(fmt.Sprintf("%s/?who=%s&fence=%d", p.ledger, p.who, fence)); err == nil {
		_ = r.Body.Close()
	}
}

// terms takes the lease again and again for a moment.
func (p *part) terms(ctx context.Context) error {
	store, err := p.open()
	if err != nil {
		return err
	}
	p.section.up(p.who)
	for ctx.Err() == nil {
		err := leader.Do(ctx, store, "news", func(ctx context.Context, fence int64) error {
			p.section.enter(p.who, fence)
			defer p.section.leave(p.who, fence)
			select {
			case <-ctx.Done():
			case <-time.After(rand.N(3 * time.Millisecond)):
			}
			return nil
		}, leader.With(p.cfg))
		if err != nil && ctx.Err() == nil {
			return err
		}
		time.Sleep(rand.N(5 * time.Millisecond)) // so that the others get a turn
	}
	return nil
}

// naive is the lock of many a blog: SET NX with a time to live, work, DEL.
func (p *part) naive(ctx context.Context) error {
	opts, err := client.ParseURL(p.store)
	if err != nil {
		return err
	}
	c := client.NewClient(opts)
	p.section.up(p.who)
	for ctx.Err() == nil {
		got, err := c.SetNX(ctx, "naive", p.who, p.cfg.TTL).Result()
		if err != nil && ctx.Err() == nil {
			return err
		}
		if !got {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		p.section.enter(p.who, 0)
		time.Sleep(p.cfg.TTL/3 + rand.N(5*p.cfg.TTL/3))
		p.section.leave(p.who, 0)
		if holder, _ := c.Get(context.Background(), "naive").Result(); holder != p.who && holder != "" {
			fmt.Fprintln(os.Stderr, "deletes a foreign key")
		}
		c.Del(context.Background(), "naive")
	}
	return nil
}
