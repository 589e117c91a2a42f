package postgres_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/steadgo/stead/channelq"
	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/periodic"
)

func TestASchemaThatCannotBeOneIsRefused(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), "host="+t.TempDir()+" user=nobody dbname=none")
	must(t, err)
	defer pool.Close()
	for _, name := range []string{"a.b", `x"; DROP SCHEMA public; --`, "1st", "jobs ", "größe", "a\x00", "pg_jobs", "information_schema", strings.Repeat("a", 47)} {
		_, err := postgres.Open(t.Context(), "postgres://db/app", postgres.Schema(name))
		store := postgres.Wrap(pool, postgres.Schema(name))
		_, newErr := durable.New(store, durable.Config{})
		for _, err := range []error{err, newErr, durable.Migrate(t.Context(), store)} {
			if err == nil || !strings.Contains(err.Error(), "Schema") {
				t.Errorf("%q: %v", name, err)
			}
		}
	}
	if _, err := postgres.Open(t.Context(), "postgres://db/app", nil); err == nil {
		t.Error("an option that is nil")
	}
	for _, name := range []string{"", "_", "Shop2_jobs", strings.Repeat("a", 46)} {
		store := postgres.Wrap(pool, postgres.Schema(name))
		jobs, err := durable.New(store, durable.Config{})
		must(t, err)
		client, err := jobs.Client() // the engine has rules of its own
		must(t, err)
		if client.Schema() != name || strings.HasSuffix(store.String(), "schema "+name) != (name != "") {
			t.Errorf("%q: %q, %s", name, client.Schema(), store)
		}
	}
}

// side is the jobs in one of two schemas.
type side struct {
	schema string
	jobs   *durable.Jobs[pgx.Tx]
	mails  *durable.Queue[int]
	begun  chan int
	end    chan struct{}
}

func newSide(t *testing.T, pool *pgxpool.Pool, schema string) *side {
	t.Helper()
	s := &side{schema: schema, begun: make(chan int, 9), end: make(chan struct{})}
	store := postgres.Wrap(pool, postgres.Schema(schema))
	must(t, durable.Migrate(t.Context(), store))
	must(t, durable.Migrate(t.Context(), store))
	var err error
	s.jobs, err = durable.New(store, durable.Config{PollInterval: 20 * time.Millisecond})
	must(t, err)
	s.mails, err = durable.NewQueue(s.jobs, "mail", func(_ context.Context, i int) error {
		s.begun <- i
		<-s.end
		return nil
	}, durable.QueueConfig[int]{Key: func(int) string { return "same" }, GlobalLimit: 1, MaxWaiting: 3})
	must(t, err)
	yearly, err := periodic.Cron("0 0 1 1 *", time.UTC)
	must(t, err)
	must(t, durable.Every(s.mails, "yearly", yearly, func() int { return 0 }))
	return s
}

// enqueue enqueues in a transaction of the program's, which knows no schema.
func (s *side) enqueue(t *testing.T, pool *pgxpool.Pool, i int) error {
	t.Helper()
	return pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		e, err := durable.EnqueueTx(t.Context(), tx, s.mails, i, durable.Unique(fmt.Sprint(i)))
		if err == nil && e.Duplicate {
			err = errors.New("a duplicate")
		}
		return err
	})
}

func TestJobsInTwoSchemasOfADatabaseKnowNothingOfEachOther(t *testing.T) {
	pool, err := pgxpool.New(t.Context(), emptyDatabase(t)+"&pool_max_conns=16") // whose public schema has tables too
	must(t, err)
	defer pool.Close()
	heard, err := pool.Acquire(t.Context())
	must(t, err)
	defer func() { _ = heard.Conn().Close(context.Background()); heard.Release() }()
	a, b := newSide(t, pool, "Shop"), newSide(t, pool, "shop")
	both := []*side{a, b}
	for _, s := range both {
		_, err = heard.Exec(t.Context(), `LISTEN "`+s.schema+`.river_insert"`)
		must(t, err)
	}
	for i := range 3 {
		must(t, a.enqueue(t, pool, i))
	}
	if err := a.enqueue(t, pool, 3); !errors.Is(err, channelq.ErrFull) {
		t.Errorf("a fourth: %v", err)
	}
	_, err = pool.Exec(t.Context(), `NOTIFY "shop.river_insert", 'end'`)
	must(t, err)
	for topics := map[string]int{}; ; {
		n, err := heard.Conn().WaitForNotification(t.Context())
		must(t, err)
		if n.Payload == "end" {
			if topics["Shop.river_insert"] < 3 || topics["shop.river_insert"] > 0 { // the engine itself announces some
				t.Errorf("announced: %v", topics)
			}
			break
		}
		topics[n.Channel]++
	}
	must(t, b.enqueue(t, pool, 0)) // it has room, and the unique key is free
	must(t, a.jobs.Schedules().Put(t.Context(), durable.Schedule{Name: "stored", Cron: "0 0 1 1 *", Zone: "UTC", Queue: "mail", Payload: 1}))
	for _, s := range both {
		must(t, s.jobs.Start(t.Context()))
	}
	for _, s := range both { // at the same time, although the key and the limit are the same
		if i := <-s.begun; i != 0 {
			t.Errorf("%s began with %d", s.schema, i)
		}
	}
	for _, s := range both {
		waitFor(t, "a leader, and nobody else's process", func() bool {
			list := s.jobs.Instances()
			return len(list) == 1 && list[0].Leads
		})
		waitFor(t, "the schedules have their places", func() bool { return s.count(t, pool, "stead_schedule WHERE name = 'yearly'") == 1 })
		close(s.end)
	}
	for s, n := range map[*side]int{a: 3, b: 1} {
		waitFor(t, "all are completed", func() bool { return s.mails.States()["completed"] == n })
		if got := s.count(t, pool, "river_job"); got != n {
			t.Errorf("%s has %d jobs", s.schema, got)
		}
		must(t, s.jobs.Stop(t.Context()))
	}
	if a.count(t, pool, "stead_rule") != 1 || b.count(t, pool, "stead_rule") != 0 {
		t.Error("the rules are mixed")
	}
	public := &side{schema: "public"}
	for _, table := range []string{"river_job", "river_leader", "river_queue", "stead_instance", "stead_schedule", "stead_rule"} {
		if n := public.count(t, pool, table); n > 0 {
			t.Errorf("%d rows of %s are in the public schema", n, table)
		}
	}
	for _, c := range pool.AcquireAllIdle(t.Context()) {
		var path string
		must(t, c.QueryRow(t.Context(), "SHOW search_path").Scan(&path))
		if c.Release(); path != `"$user", public` {
			t.Errorf("the pool of the program has a connection with the search_path %s", path)
		}
	}
}

func (s *side) count(t *testing.T, pool *pgxpool.Pool, from string) (n int) {
	t.Helper()
	must(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM "`+s.schema+`".`+from).Scan(&n))
	return n
}

func TestMigrateCreatesTheSchemaOrSaysThatItMayNot(t *testing.T) {
	admin := emptyDatabase(t)
	pool, err := pgxpool.New(t.Context(), admin)
	must(t, err)
	defer pool.Close()
	role := "t" + strings.ToLower(rand.Text())
	exec := func(statement string) {
		_, err := pool.Exec(context.Background(), statement)
		must(t, err)
	}
	exec("CREATE ROLE " + role + " LOGIN")
	defer func() { exec("DROP OWNED BY " + role + " CASCADE"); exec("DROP ROLE " + role) }()
	u, err := url.Parse(admin)
	must(t, err)
	u.User = url.User(role)
	s, err := postgres.Open(t.Context(), u.String(), postgres.Schema("jobs"))
	must(t, err)
	defer func() { _ = s.Close() }()
	jobs, err := durable.New(s, durable.Config{Mode: durable.EnqueueOnly})
	must(t, err)
	if err := jobs.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "Migrate") {
		t.Errorf("start without the schema: %v", err)
	}
	must(t, jobs.Stop(t.Context()))
	if err := durable.Migrate(t.Context(), s); err == nil || !strings.Contains(err.Error(), `create schema "jobs"`) {
		t.Errorf("migrate without the right to create a schema: %v", err)
	}
	exec("CREATE SCHEMA jobs AUTHORIZATION " + role)
	must(t, durable.Migrate(t.Context(), s))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// waitFor polls; the bound only ends a test that fails.
func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for began := time.Now(); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Since(began) > 2*time.Minute {
			t.Fatalf("never happened: %s", what)
		}
	}
}
