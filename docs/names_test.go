package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// packages are those whose names the pages mention, by the name they are used with.
var packages = map[string]string{
	"channelq": "channelq", "coordinator": "coordinator", "dashboard": "dashboard", "durable": "durable",
	"hosted": "hosted", "hostedtest": "hosted/hostedtest", "leader": "leader", "lifecycle": "lifecycle",
	"metrics": "metrics", "periodic": "periodic", "postgres": "durable/postgres", "scope": "scope",
	"sqlite": "durable/sqlite", "systemd": "lifecycle/systemd", "winsvc": "lifecycle/winsvc", "otel": "otel",
}

var (
	code = regexp.MustCompile("`[^`\n]+`")
	name = regexp.MustCompile(`\b([a-z]+)\.([A-Z]\w*)(?:\{[^}]*\})?(?:\.([A-Z]\w*))?`)
)

// A page may be right about how things work and wrong about what they are called,
// which is worse: nobody finds them.
func TestTheNamesOnThePagesAreThere(t *testing.T) {
	known := map[string]map[string]bool{}
	for short, dir := range packages {
		known[short] = exported(t, filepath.Join(root, dir))
	}
	seen := 0
	for page, text := range pages(t) {
		for _, span := range code.FindAllString(fences.ReplaceAllString(text, ""), -1) {
			for _, found := range name.FindAllStringSubmatch(span, -1) {
				names, ours := known[found[1]]
				if !ours || strings.HasPrefix(found[2], "Test") {
					continue // tests are held by step guarantees
				}
				seen++
				if !names[found[2]] {
					t.Errorf("%s: there is no %s.%s", page, found[1], found[2])
				} else if found[3] != "" && !names[found[2]+"."+found[3]] {
					t.Errorf("%s: there is no %s.%s.%s", page, found[1], found[2], found[3])
				}
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d names were found", seen)
	}
}

// exported are the names of a package, with Type.Member for fields and methods.
func exported(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v", dir, err)
	}
	names := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			declared(names, decl)
		}
	}
	return names
}

func declared(names map[string]bool, decl ast.Decl) {
	switch d := decl.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			names[d.Name.Name] = true
		} else {
			names[receiver(d.Recv.List[0].Type)+"."+d.Name.Name] = true
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.ValueSpec:
				for _, id := range s.Names {
					names[id.Name] = true
				}
			case *ast.TypeSpec:
				names[s.Name.Name] = true
				if fields, ok := s.Type.(*ast.StructType); ok {
					for _, field := range fields.Fields.List {
						for _, id := range field.Names {
							names[s.Name.Name+"."+id.Name] = true
						}
					}
				}
			}
		}
	}
}

// receiver is the type's name in T, *T, T[X] and *T[X, Y].
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.Ident:
		return e.Name
	}
	return ""
}
