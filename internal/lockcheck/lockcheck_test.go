//go:build extra

package lockcheck_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/steadgo/stead/internal/lockcheck"
)

// loaded is what go list says of a package.
type loaded struct {
	ImportPath string   `json:"ImportPath"`
	Dir        string   `json:"Dir"`
	Export     string   `json:"Export"`
	GoFiles    []string `json:"GoFiles"`
	DepOnly    bool     `json:"DepOnly"`
}

// list builds the packages, which is quick when they are in the cache.
func list(t *testing.T, patterns ...string) (roots []loaded, exports map[string]string) {
	t.Helper()
	args := append([]string{"list", "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,DepOnly"}, patterns...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = filepath.Join("..", "..")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &problems)
	}
	exports = map[string]string{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p loaded
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return roots, exports
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if !p.DepOnly {
			roots = append(roots, p)
		}
	}
}

func check(t *testing.T, exports map[string]string, path string, files ...string) []lockcheck.Finding {
	t.Helper()
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, f := range files {
		p, err := parser.ParseFile(fset, f, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, p)
	}
	info := &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
		Defs: map[*ast.Ident]types.Object{}, Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		return os.Open(exports[path])
	})}
	if _, err := conf.Check(path, fset, parsed, info); err != nil {
		t.Fatal(err)
	}
	return lockcheck.Check(fset, parsed, info)
}

// allowed are the calls that the check takes for somebody else's, and why they are not,
// by "package function: callee".
var allowed = map[string]string{
	"hosted Coordinator: callback giveUp":      "it sends to a channel that has room",
	"hosted Host.unended: callback name":       "a function of the one that calls it",
	"hosted leftoverCall.ask: callback change": "a function of ask",
}

func TestNobodyElsesCodeIsCalledUnderALock(t *testing.T) {
	roots, exports := list(t, "./hosted", "./coordinator", "./lifecycle/...", "./internal/lifetime", "./internal/safelog", "./scope")
	used := map[string]bool{}
	for _, p := range roots {
		var files []string
		for _, f := range p.GoFiles {
			files = append(files, filepath.Join(p.Dir, f))
		}
		for _, f := range check(t, exports, p.ImportPath, files...) {
			key := fmt.Sprintf("%s %s: %s", filepath.Base(p.Dir), f.In, f.Callee)
			if allowed[key] == "" {
				t.Errorf("%s:%d: %s calls %s under a lock (%q)", f.Pos.Filename, f.Pos.Line, f.In, f.Callee, key)
			}
			used[key] = true
		}
	}
	for key := range allowed {
		if !used[key] {
			t.Errorf("%q is allowed and no longer there", key)
		}
	}
}

// The check finds each kind of call, and takes nothing for one that is none.
func TestTheCheckFindsWhatIsSeeded(t *testing.T) {
	_, exports := list(t, "errors", "fmt", "sync", "log/slog", "net", "slices")
	var got []string
	for _, f := range check(t, exports, "seeded", filepath.Join("testdata", "seeded.go")) {
		got = append(got, fmt.Sprintf("%s: %s", f.In, f.Callee))
	}
	text, err := os.ReadFile(filepath.Join("testdata", "seeded.go"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for line := range strings.Lines(string(text)) {
		if _, found, ok := strings.Cut(line, "// FOUND "); ok {
			want = append(want, strings.TrimSpace(found))
		}
	}
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
