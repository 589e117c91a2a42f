package main

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/steadgo/stead/durable"
	"github.com/steadgo/stead/durable/postgres"
	"github.com/steadgo/stead/durable/sqlite"
	"github.com/steadgo/stead/examples/internal/cli"
)

// onEveryStore runs a test on a SQLite file and, where there is a server, on
// PostgreSQL, in a schema of its own.
func onEveryStore(t *testing.T, test func(t *testing.T, env []string)) {
	t.Helper()
	t.Run("SQLite", func(t *testing.T) {
		test(t, []string{"WEBAPP_STORE=sqlite:" + filepath.Join(t.TempDir(), "shop.db")})
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		server := os.Getenv("STEAD_TEST_POSTGRES")
		if server == "" {
			t.Skip("STEAD_TEST_POSTGRES is not set")
		}
		test(t, []string{"WEBAPP_STORE=" + newSchema(t, server)})
	})
}

// newSchema returns the URL of an empty schema, which is dropped after the test.
func newSchema(t *testing.T, server string) string {
	t.Helper()
	at, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	name := "t" + strings.ToLower(rand.Text())
	execute := func(statement string) {
		conn, err := pgx.Connect(context.Background(), server)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if _, err := conn.Exec(context.Background(), statement); err != nil {
			t.Error(err)
		}
	}
	execute("CREATE SCHEMA " + name)
	t.Cleanup(func() { execute("DROP SCHEMA " + name + " CASCADE") })
	query := at.Query()
	query.Set("search_path", name)
	at.RawQuery = query.Encode()
	return at.String()
}

// inHand are the addresses of the jobs that the store holds for running.
func inHand(t *testing.T, env []string) map[string]bool {
	t.Helper()
	_, text, _ := strings.Cut(env[0], "=")
	name, err := parseStore(text)
	if err != nil {
		t.Fatal(err)
	}
	if name.kind == "sqlite" {
		return running(t, cli.Must(sqlite.Open(name.at)))
	}
	return running(t, cli.Must(postgres.Open(t.Context(), name.at)))
}

func running[TTx any](t *testing.T, store closingStore[TTx]) map[string]bool {
	t.Helper()
	defer func() { _ = store.Close() }()
	jobs := cli.Must(durable.New(store, durable.Config{Mode: durable.EnqueueOnly}))
	emails := cli.Must(durable.NewQueue(jobs, "emails", sender(nil), durable.QueueConfig[welcome]{}))
	addresses := map[string]bool{}
	for after := ""; ; {
		list, next, err := emails.JobsPage("running", after)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range list {
			addresses[job.Item.(welcome).Email] = true
		}
		if after = next; after == "" {
			return addresses
		}
	}
}
