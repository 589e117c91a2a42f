//go:build extra

package lockcheck

import (
	"go/ast"
	"go/types"
	"strings"
)

// block goes through statements in order and returns whether the lock is held behind
// them, and whether they end there at all.
func (c *checker) block(list []ast.Stmt, held bool) (after, ends bool) {
	for _, s := range list {
		if held, ends = c.stmt(s, held); ends {
			return held, true
		}
	}
	return held, false
}

func (c *checker) stmt(s ast.Stmt, held bool) (after, ends bool) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		if call, ok := s.X.(*ast.CallExpr); ok {
			if lock, ok := c.locking(call); ok {
				return lock, false
			}
		}
		c.exprs(s, held)
	case *ast.DeferStmt:
		if _, ok := c.locking(s.Call); !ok {
			c.deferred(s.Call)
		}
	case *ast.GoStmt:
		c.deferred(s.Call)
	case *ast.ReturnStmt:
		c.exprs(s, held)
		return held, true
	case *ast.BranchStmt:
		return held, true
	case *ast.BlockStmt:
		return c.block(s.List, held)
	case *ast.LabeledStmt:
		return c.stmt(s.Stmt, held)
	case *ast.IfStmt:
		return c.branches(held, []ast.Node{s.Init, s.Cond}, true, s.Body, s.Else)
	case *ast.ForStmt:
		return c.branches(held, []ast.Node{s.Init, s.Cond, s.Post}, true, s.Body)
	case *ast.RangeStmt:
		return c.branches(held, []ast.Node{s.X}, true, s.Body)
	case *ast.SwitchStmt:
		return c.clauses(held, []ast.Node{s.Init, s.Tag}, s.Body)
	case *ast.TypeSwitchStmt:
		return c.clauses(held, []ast.Node{s.Init, s.Assign}, s.Body)
	case *ast.SelectStmt:
		return c.clauses(held, nil, s.Body)
	default:
		c.exprs(s, held)
	}
	return held, false
}

// branches looks at each way through; skip says that there is one past them all.
func (c *checker) branches(held bool, heads []ast.Node, skip bool, ways ...ast.Stmt) (after, ends bool) {
	for _, h := range heads {
		if !isNil(h) {
			c.exprs(h, held)
		}
	}
	after, ends = held && skip, !skip
	for i, w := range ways {
		if w == nil {
			continue
		}
		if i == 1 { // an else: there is no way past both
			after, ends = c.both(held, ways)
			continue
		}
		a, e := c.stmt(w, held)
		if !e {
			after, ends = after || a, false
		}
	}
	return after, ends
}

func (c *checker) both(held bool, ways []ast.Stmt) (after, ends bool) {
	quiet := *c // the first was looked at
	quiet.found = nil
	a, aEnds := quiet.stmt(ways[0], held)
	b, bEnds := c.stmt(ways[1], held)
	return a && !aEnds || b && !bEnds, aEnds && bEnds
}

func (c *checker) clauses(held bool, heads []ast.Node, body *ast.BlockStmt) (after, ends bool) {
	for _, h := range heads {
		if !isNil(h) {
			c.exprs(h, held)
		}
	}
	after, ends = false, true
	complete := false
	for _, s := range body.List {
		var list []ast.Stmt
		switch s := s.(type) {
		case *ast.CaseClause:
			for _, e := range s.List {
				c.exprs(e, held)
			}
			complete = complete || s.List == nil
			list = s.Body
		case *ast.CommClause:
			complete = true
			if s.Comm != nil {
				c.exprs(s.Comm, held)
			}
			list = s.Body
		}
		a, e := c.block(list, held)
		if n := len(list); e && n > 0 {
			if br, ok := list[n-1].(*ast.BranchStmt); ok && br.Label == nil {
				e = false // a break of the switch
			}
		}
		if !e {
			after, ends = after || a, false
		}
	}
	if !complete {
		after, ends = after || held, false
	}
	return after, ends
}

func isNil(n ast.Node) bool {
	switch n := n.(type) {
	case nil:
		return true
	case ast.Expr:
		return n == nil
	case ast.Stmt:
		return n == nil
	}
	return false
}

// exprs looks at the calls in a node. A function literal that is an argument of a call
// is taken to run in that call, another one later and without the lock.
func (c *checker) exprs(n ast.Node, held bool) {
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			c.block(n.Body.List, false)
			return false
		case *ast.CallExpr:
			if held {
				if what := c.callee(n); what != "" {
					c.found = append(c.found, Finding{c.fset.Position(n.Pos()), c.in, what})
				}
			}
			for _, arg := range n.Args {
				if lit, ok := arg.(*ast.FuncLit); ok {
					c.block(lit.Body.List, held && !c.runsLater(n))
				} else {
					c.exprs(arg, held)
				}
			}
			c.exprs(n.Fun, held)
			return false
		}
		return true
	})
}

// runsLater is true for the functions that call theirs on another goroutine.
func (c *checker) runsLater(call *ast.CallExpr) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	return strings.HasPrefix(sel.Sel.Name, "AfterFunc") || strings.HasPrefix(sel.Sel.Name, "Once") || sel.Sel.Name == "Go"
}

func (c *checker) deferred(call *ast.CallExpr) {
	if lit, ok := call.Fun.(*ast.FuncLit); ok {
		c.block(lit.Body.List, false)
	}
}

// locking says whether a call locks or unlocks.
func (c *checker) locking(call *ast.CallExpr) (lock, ok bool) {
	sel, isSel := call.Fun.(*ast.SelectorExpr)
	if !isSel {
		return false, false
	}
	fn, isFunc := c.info.Uses[sel.Sel].(*types.Func)
	if !isFunc || fn.Pkg() == nil || fn.Pkg().Path() != "sync" {
		return false, false
	}
	switch fn.Name() {
	case "Lock", "RLock":
		return true, true
	case "Unlock", "RUnlock":
		return false, true
	}
	return false, false
}
