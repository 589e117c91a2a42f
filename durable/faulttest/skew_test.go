//go:build unix

package faulttest_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// skewedProgram is the worker with a clock that is STEAD_TEST_SKEW seconds ahead. What
// changes the clock of C programs, as Debian's faketime does, does not reach one in Go,
// which asks the kernel itself: so the worker is built with another time.Now.
func skewedProgram(t *testing.T) string {
	t.Helper()
	const before = "sec, nsec, mono := runtimeNow()\n\tif mono == 0 {\n\t\treturn Time{uint64(nsec), sec + unixToInternal, Local}"
	root, err := exec.Command("go", "env", "GOROOT").Output()
	must(t, err)
	original := filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go")
	text, err := os.ReadFile(original)
	must(t, err)
	changed := strings.Replace(string(text), before, strings.Replace(before, "\n", "\n\tsec += skew\n", 1), 1)
	if changed == string(text) {
		t.Skip("this version of Go has another time.Now")
	}
	changed += `
var skew = readSkew()

func readSkew() (n int64) {
	s, _ := syscall.Getenv("STEAD_TEST_SKEW")
	for _, c := range s {
		if c != '-' {
			n = 10*n + int64(c-'0')
		}
	}
	if s != "" && s[0] == '-' {
		n = -n
	}
	return n
}
`
	changed = strings.Replace(changed, "import (", "import (\n\t\"syscall\"", 1)
	dir := t.TempDir()
	other, list, to := filepath.Join(dir, "time.go"), filepath.Join(dir, "overlay.json"), filepath.Join(dir, "worker")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: other}})
	must(t, err)
	must(t, os.WriteFile(other, []byte(changed), 0o600))
	must(t, os.WriteFile(list, overlay, 0o600))
	if out, err := exec.Command("go", "build", "-overlay", list, "-o", to, "./worker").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return to
}
