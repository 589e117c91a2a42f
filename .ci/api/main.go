// Command api writes down what the packages in the current folder's module export,
// one name a line, so that a review sees what changes.
//
//	go run ./.ci/api MODULE... >FILE
package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	out := bufio.NewWriter(os.Stdout)
	err := errors.Join(write(out, os.Args[1:]), out.Flush())
	if err != nil {
		fmt.Fprintln(os.Stderr, "api:", err)
		os.Exit(1)
	}
}

func write(out io.Writer, patterns []string) error {
	exports, paths := map[string]string{}, []string{}
	args := append([]string{"list", "-deps", "-export", "-f", "{{.DepOnly}} {{.Name}} {{.ImportPath}} {{.Export}}"}, patterns...)
	listed, err := exec.Command("go", args...).Output() //nolint:gosec // the patterns are ours
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(listed)) {
		f := strings.Fields(line)
		if len(f) != 4 {
			continue // unsafe, and folders with tests alone
		}
		exports[f[2]] = f[3]
		if f[0] == "false" && f[1] != "main" && !strings.Contains(f[2]+"/", "/internal/") {
			paths = append(paths, f[2])
		}
	}
	slices.Sort(paths)
	from := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, path := range paths {
		p, err := from.Import(path)
		if err != nil {
			return err
		}
		for _, line := range lines(p) {
			if _, err := fmt.Fprintf(out, "pkg %s, %s\n", strings.TrimPrefix(path, "github.com/steadgo/"), line); err != nil {
				return err
			}
		}
	}
	return nil
}

func lines(p *types.Package) (all []string) {
	short := func(q *types.Package) string {
		if q == p {
			return ""
		}
		return q.Name()
	}
	for _, name := range p.Scope().Names() {
		object := p.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		named, ok := object.(*types.TypeName)
		if !ok {
			all = append(all, types.ObjectString(object, short))
			continue
		}
		all = append(all, typeLines(named, short)...)
	}
	slices.SortStableFunc(all, cmp.Compare)
	return all
}

func typeLines(t *types.TypeName, short types.Qualifier) (all []string) {
	n, ok := t.Type().(*types.Named)
	if !ok || t.IsAlias() {
		return []string{types.ObjectString(t, short)}
	}
	head := "type " + types.TypeString(n, short)
	switch u := n.Underlying().(type) {
	case *types.Struct:
		all = append(all, head+" struct")
		for f := range u.Fields() {
			if f.Exported() {
				all = append(all, head+" struct, "+f.Name()+" "+types.TypeString(f.Type(), short))
			}
		}
	case *types.Interface:
		sealed := ""
		for m := range u.Methods() {
			if m.Exported() {
				all = append(all, head+" interface, "+m.Name()+strings.TrimPrefix(types.TypeString(m.Type(), short), "func"))
			} else {
				sealed = ", sealed"
			}
		}
		all = append(all, head+" interface"+sealed)
	default:
		all = append(all, head+" "+types.TypeString(u, short))
	}
	methods := types.NewMethodSet(types.NewPointer(n))
	for s := range methods.Methods() {
		m := s.Obj()
		if !m.Exported() || types.IsInterface(n) {
			continue
		}
		star := "*"
		if types.NewMethodSet(n).Lookup(m.Pkg(), m.Name()) != nil {
			star = ""
		}
		all = append(all, fmt.Sprintf("method (%s%s) %s%s", star, types.TypeString(n, short), m.Name(), strings.TrimPrefix(types.TypeString(m.Type(), short), "func")))
	}
	return all
}
