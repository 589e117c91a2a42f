//go:build extra

// Package lockcheck finds calls of foreign code while a lock is
// held: the method of an error, a service or a connection, a callback, a line of a
// log. Such a call may ask the owner of the lock, and then waits for itself.
//
// It reads the source. A lock is held from a call of Lock of package sync to the next
// Unlock, to the end of the function after a deferred one, and in functions whose
// names end in Locked. Calls within the package are followed.
package lockcheck

import (
	"go/ast"
	"go/token"
	"go/types"
	"sort"
	"strings"
)

// Finding is one such call.
type Finding struct {
	Pos    token.Position
	In     string // the function, or type.method
	Callee string // what is called there
}

type checker struct {
	fset   *token.FileSet
	info   *types.Info
	bodies map[*types.Func]*ast.FuncDecl
	// foreign is, for each function of the package, a call of foreign code that
	// it leads to.
	foreign map[*types.Func]string
	found   []Finding
	in      string
}

// Check returns what it finds in one package.
func Check(fset *token.FileSet, files []*ast.File, info *types.Info) []Finding {
	c := &checker{fset: fset, info: info, bodies: map[*types.Func]*ast.FuncDecl{}, foreign: map[*types.Func]string{}}
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				if obj, ok := info.Defs[fn.Name].(*types.Func); ok {
					c.bodies[obj] = fn
				}
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for obj, fn := range c.bodies {
			if c.foreign[obj] == "" {
				if what := c.leadsTo(fn.Body); what != "" {
					c.foreign[obj], changed = what, true
				}
			}
		}
	}
	for obj, fn := range c.bodies {
		c.in = nameOf(obj)
		c.block(fn.Body.List, strings.HasSuffix(fn.Name.Name, "Locked"))
	}
	sort.Slice(c.found, func(i, j int) bool {
		a, b := c.found[i].Pos, c.found[j].Pos
		return a.Filename < b.Filename || a.Filename == b.Filename && a.Offset < b.Offset
	})
	return c.found
}

func nameOf(fn *types.Func) string {
	sig, _ := fn.Type().(*types.Signature)
	if sig == nil || sig.Recv() == nil {
		return fn.Name()
	}
	t := sig.Recv().Type()
	if p, ok := t.(*types.Pointer); ok {
		t = p.Elem()
	}
	if n, ok := t.(*types.Named); ok {
		return n.Obj().Name() + "." + fn.Name()
	}
	return fn.Name()
}

// leadsTo names the first call of foreign code that a body makes on its own
// goroutine.
func (c *checker) leadsTo(n ast.Node) (what string) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			return false
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			if what == "" {
				what = c.callee(n)
			}
		}
		return what == ""
	})
	return what
}

// callee names what a call calls if that is foreign, and is "" otherwise.
func (c *checker) callee(call *ast.CallExpr) string {
	if tv := c.info.Types[call.Fun]; tv.IsType() || tv.IsBuiltin() {
		return ""
	}
	switch fun := ast.Unparen(call.Fun).(type) {
	case *ast.Ident:
		return c.object(c.info.Uses[fun], call)
	case *ast.IndexExpr:
		if id, ok := fun.X.(*ast.Ident); ok {
			return c.object(c.info.Uses[id], call)
		}
		if sel, ok := fun.X.(*ast.SelectorExpr); ok {
			return c.object(c.info.Uses[sel.Sel], call)
		}
	case *ast.SelectorExpr:
		if sel, ok := c.info.Selections[fun]; ok && types.IsInterface(sel.Recv()) {
			if named := sel.Recv().String(); named != "context.Context" {
				return named + "." + fun.Sel.Name
			}
			return ""
		}
		return c.object(c.info.Uses[fun.Sel], call)
	}
	return ""
}

func (c *checker) object(obj types.Object, call *ast.CallExpr) string {
	switch obj := obj.(type) {
	case *types.Var: // a function that is a value
		if t := obj.Type().String(); t == "context.CancelFunc" || t == "context.CancelCauseFunc" {
			return "" // what is to run after it runs on goroutines of its own
		}
		return "callback " + obj.Name()
	case *types.Func:
		if what := c.foreign[obj.Origin()]; what != "" {
			return nameOf(obj) + ", which leads to " + what
		}
		if obj.Pkg() == nil {
			return ""
		}
		switch path := obj.Pkg().Path(); {
		case path == "errors" && (obj.Name() == "Is" || obj.Name() == "As"),
			path == "log/slog" && isLogger(obj),
			strings.HasSuffix(path, "/internal/errs") && obj.Name() != "Same":
			return path + "." + obj.Name()
		case path == "fmt" && c.printsForeign(call):
			return "fmt." + obj.Name() + " of an error"
		}
	}
	return ""
}

func isLogger(fn *types.Func) bool {
	sig, _ := fn.Type().(*types.Signature)
	return sig != nil && sig.Recv() != nil && strings.HasSuffix(sig.Recv().Type().String(), "slog.Logger") &&
		!strings.HasPrefix(fn.Name(), "With")
}

// printsForeign says whether an argument is an interface with a method, such as an
// error, which fmt calls.
func (c *checker) printsForeign(call *ast.CallExpr) bool {
	for _, arg := range call.Args {
		tv := c.info.Types[arg]
		if i, ok := tv.Type.Underlying().(*types.Interface); ok && i.NumMethods() > 0 && !isSentinel(c.info, arg) &&
			!strings.HasSuffix(tv.Type.String(), "io.Writer") {
			return true
		}
	}
	return false
}

// isSentinel is true for a variable of a package, which is an error of ours.
func isSentinel(info *types.Info, arg ast.Expr) bool {
	var id *ast.Ident
	switch a := arg.(type) {
	case *ast.Ident:
		id = a
	case *ast.SelectorExpr:
		id = a.Sel
	default:
		return false
	}
	v, ok := info.Uses[id].(*types.Var)
	return ok && v.Pkg() != nil && v.Parent() == v.Pkg().Scope()
}
