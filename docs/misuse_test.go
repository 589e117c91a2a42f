package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// private are the folders whose functions no program calls.
var private = regexp.MustCompile(`(^|/)(internal|testdata|cmd|bench|examples|template|\.\w+|\w+test)(/|$)`)

// Misuse of a function is an error of its own, or of Start, or of the first use. In each
// package a test gives nil to those that there are; this is for those to come.
func TestNoFunctionPanicsOnMisuse(t *testing.T) {
	exempt := map[string]bool{ // each says so, returns no error, and is called within a service, whose failure it is
		"hosted/Ready": true, "hosted/Coordinator": true,
	}
	functions := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		where := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(path, root), string(filepath.Separator)))
		switch {
		case err != nil:
			return err
		case d.IsDir() && private.MatchString(where):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || strings.HasPrefix(f.Name.Name, "Must") {
				continue
			}
			functions++
			name := filepath.ToSlash(filepath.Dir(where)) + "/" + f.Name.Name
			ast.Inspect(f, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if ok && called(call.Fun) == "panic" && !exempt[name] {
					t.Errorf("%s panics: return an error, or keep it for Start or the first use", name)
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if functions < 100 {
		t.Errorf("only %d functions were found", functions)
	}
}
