package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A stub empties functions of a library: they return zero values and do nothing
// else. If no test of ours would notice, the library would not be needed.
type stub struct {
	module string   // whose copy is changed
	folder string   // of the package in it
	funcs  []string // Name, or Type.Name for a method
	pkg    string   // of ours, where the test is
	test   string
}

var deps = []stub{
	{
		module: "github.com/sourcegraph/conc", folder: "panics", funcs: []string{"NewRecovered"},
		pkg: "./internal/guard", test: "TestCallTurnsAPanicIntoAnErrorWithItsStack",
	},
	{
		module: "golang.org/x/sync", folder: "errgroup", funcs: []string{"Group.Go"},
		pkg: "./hosted", test: "TestHealthChecksRunSideBySideAndOneThatHangsFailsAlone",
	},
	{
		module: "github.com/benbjohnson/clock", folder: ".", funcs: []string{"clock.Since"},
		pkg: "./periodic", test: "TestFixedDelayCountsFromTheEndOfTheRun",
	},
	{
		module: "go.uber.org/goleak", folder: ".", funcs: []string{"Find"},
		pkg: "./coordinator", test: "TestAForgottenWaitFailsTheTests",
	},
	{
		module: "github.com/prometheus/client_golang", folder: "prometheus", funcs: []string{"MakeLabelPairs"},
		pkg: "./metrics", test: "TestTheAccountingOfAQueueAddsUpOnThePage",
	},
}

func stubs(dir string) error {
	var r report
	for _, s := range deps {
		r.add(fmt.Sprintf("%s/%s: %s", s.module, s.folder, strings.Join(s.funcs, ", ")), s.try(dir))
	}
	return r.err()
}

func (s stub) try(dir string) error {
	emptied := filepath.Join(dir, "emptied")
	defer func() { _ = os.RemoveAll(emptied) }()
	if err := s.copyModule(dir, emptied); err != nil {
		return err
	}
	if err := s.empty(filepath.Join(emptied, s.folder)); err != nil {
		return err
	}
	if err := workEdit(dir, "-replace", s.module+"="+emptied); err != nil {
		return err
	}
	return errors.Join(notices(dir, s.pkg, s.test), workEdit(dir, "-dropreplace", s.module))
}

func workEdit(dir string, args ...string) error {
	edit := exec.Command("go", append([]string{"work", "edit"}, args...)...)
	edit.Dir = dir
	if output, err := edit.CombinedOutput(); err != nil {
		return fmt.Errorf("go work edit: %w: %s", err, output)
	}
	return nil
}

// copyModule copies the version of the module that is used from the module cache.
func (s stub) copyModule(dir, to string) error {
	where := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", s.module)
	where.Dir = dir
	cached, err := where.Output()
	if err != nil {
		return fmt.Errorf("find %s: %w", s.module, err)
	}
	from := strings.TrimSpace(string(cached))
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		return copyFile(filepath.Join(to, rel), name)
	})
}

// empty rewrites the files of one package so that the functions do nothing.
func (s stub) empty(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return err
	}
	left := slices.Clone(s.funcs)
	for _, name := range files {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		before := len(left)
		for _, decl := range file.Decls {
			fn, ok := decl.(*ast.FuncDecl)
			if !ok || !slices.Contains(s.funcs, funcName(fn)) {
				continue
			}
			hollow(fn)
			left = slices.DeleteFunc(left, func(n string) bool { return n == funcName(fn) })
		}
		if len(left) == before {
			continue // the others are kept with their build constraints, which are comments
		}
		dropUnusedImports(file)
		var text bytes.Buffer
		if err := format.Node(&text, set, file); err != nil {
			return err
		}
		if err := os.WriteFile(name, text.Bytes(), 0o600); err != nil {
			return err
		}
	}
	if len(left) > 0 {
		return fmt.Errorf("no function %v in %s", left, s.folder)
	}
	return nil
}

func funcName(fn *ast.FuncDecl) string {
	if fn.Recv == nil {
		return fn.Name.Name
	}
	recv := fn.Recv.List[0].Type
	if star, ok := recv.(*ast.StarExpr); ok {
		recv = star.X
	}
	if ident, ok := recv.(*ast.Ident); ok {
		return ident.Name + "." + fn.Name.Name
	}
	return fn.Name.Name
}

// hollow leaves of a function its signature and a return of zero values, for
// which the results need names.
func hollow(fn *ast.FuncDecl) {
	if results := fn.Type.Results; results != nil {
		for i, field := range results.List {
			if len(field.Names) == 0 {
				field.Names = []*ast.Ident{ast.NewIdent(fmt.Sprintf("zero%d", i))}
			}
		}
	}
	fn.Body.List = []ast.Stmt{&ast.ReturnStmt{}}
}

// dropUnusedImports removes what only the emptied functions used; the compiler
// would refuse it.
func dropUnusedImports(file *ast.File) {
	used := map[string]bool{"_": true, ".": true, "C": true}
	ast.Inspect(file, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if ident, ok := sel.X.(*ast.Ident); ok {
				used[ident.Name] = true
			}
		}
		return true
	})
	for _, spec := range file.Imports {
		name := filepath.Base(strings.Trim(spec.Path.Value, `"`))
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if !used[name] && !maybeRenamed(name) {
			spec.Name = ast.NewIdent("_")
		}
	}
}

// maybeRenamed says that the last element of an import path may not be the
// package's name: then it is left alone, and at worst the copy does not compile.
func maybeRenamed(name string) bool {
	return strings.ContainsAny(name, ".-") || len(name) > 1 && name[0] == 'v' && name[1] >= '0' && name[1] <= '9'
}
