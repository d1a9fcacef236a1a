module github.com/valet-go/valet/loop/httploop

go 1.26.0

require (
	github.com/valet-go/valet v0.0.0-00010101000000-000000000000
	github.com/valyala/bytebufferpool v1.0.0
	github.com/valyala/fasthttp v1.77.0
	golang.org/x/net v0.62.0
)

require (
	github.com/kavu/go_reuseport v1.5.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/molecule-man/go-brrr v1.3.0 // indirect
	github.com/tidwall/evio v1.0.8 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/valet-go/valet => ../..
