package main

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"
)

func mux(p parts) http.Handler {
	r := http.NewServeMux()
	r.HandleFunc("POST /signup", p.signUp)
	r.Handle("GET /livez", p.live)
	r.Handle("GET /readyz", p.ready)
	r.Handle("/admin/", http.StripPrefix("/admin", p.page))
	return r
}

func chiRouter(p parts) http.Handler {
	r := chi.NewRouter()
	r.Post("/signup", p.signUp)
	r.Handle("/livez", p.live)
	r.Handle("/readyz", p.ready)
	r.Mount("/admin", http.StripPrefix("/admin", p.page)) // chi strips nothing from the URL
	return r
}

func echoRouter(p parts) http.Handler {
	e := echo.New()
	e.POST("/signup", echo.WrapHandler(p.signUp))
	e.GET("/livez", echo.WrapHandler(p.live))
	e.GET("/readyz", echo.WrapHandler(p.ready))
	e.Any("/admin/*", echo.WrapHandler(http.StripPrefix("/admin", p.page)))
	return e // an http.Handler: the host runs the server, and not e.Start
}

func ginRouter(p parts) http.Handler {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New() // gin.Default logs each poll of the page
	r.POST("/signup", gin.WrapF(p.signUp))
	r.GET("/livez", gin.WrapH(p.live))
	r.GET("/readyz", gin.WrapH(p.ready))
	r.Any("/admin/*path", gin.WrapH(http.StripPrefix("/admin", p.page)))
	return r // an http.Handler: the host runs the server, and not r.Run
}
