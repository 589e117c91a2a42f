//go:build unix

package faulttest_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/steadgo/stead/internal/testserver"
)

// program is the built worker.
var program string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if os.Getenv("STEAD_TEST_FAULTS") != "" {
			dir, err := os.MkdirTemp("", "stead-worker-")
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return 1
			}
			defer os.RemoveAll(dir)
			program = filepath.Join(dir, "worker")
			if out, err := exec.Command("go", "build", "-o", program, "./worker").CombinedOutput(); err != nil {
				fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
				return 1
			}
		}
		code := m.Run()
		if err := goleak.Find(); code == 0 && err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return code
	}())
}

// rounds runs the test at least n times side by side: most of a round is waiting
// for an election.
func rounds(t *testing.T, n int, test func(t *testing.T)) {
	t.Helper()
	if s := os.Getenv("STEAD_TEST_FAULTS_ROUNDS"); s != "" {
		more, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		n = max(n, more)
	}
	for i := range n {
		t.Run(strconv.Itoa(i), func(t *testing.T) { t.Parallel(); test(t) })
	}
}

// onBoth runs rounds of the test on each store.
func onBoth(t *testing.T, n int, test func(t *testing.T, b *bed)) {
	t.Helper()
	testserver.Wanted(t)
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		rounds(t, n, func(t *testing.T) { test(t, onSQLite(t, t.TempDir())) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		rounds(t, n, func(t *testing.T) { test(t, onPostgres(t, database(t))) })
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
