package bench

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// The picture: panels, one a quantity, so many side by side, in pixels.
const (
	panelsAcross            = 3
	panelWidth, panelHeight = 280, 180
	margin, gap             = 40, 46
	captionHeight           = 56 // of the values and the name below a panel
)

// GrowthPlot draws the CPU of feed-enrich per million records over each quantity, as an SVG: both axes logarithmic, so
// that a cost which grows as its quantity does is a line of 45 degrees, and one that does not grow is level.
func GrowthPlot(w io.Writer, all []Series) {
	low, high := bounds(all)
	across := min(len(all), panelsAcross)
	down := (len(all) + panelsAcross - 1) / panelsAcross
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="sans-serif" font-size="11">`+"\n",
		margin+across*(panelWidth+gap), margin+down*(panelHeight+captionHeight))
	fmt.Fprintf(w, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	fmt.Fprintf(w, `<text x="%d" y="16">feed-enrich: CPU seconds per million records</text>`+"\n", margin)
	for n, series := range all {
		left, top := margin+n%panelsAcross*(panelWidth+gap), margin+n/panelsAcross*(panelHeight+captionHeight)
		panel(w, left, top, series, low, high)
	}
	fmt.Fprintln(w, "</svg>")
}

// bounds are the powers of two around all figures.
func bounds(all []Series) (low, high float64) {
	low, high = math.Inf(1), 0
	for _, series := range all {
		for _, p := range series.Points {
			low, high = min(low, p.CPUEnrich), max(high, p.CPUEnrich)
		}
	}
	low = math.Exp2(math.Floor(math.Log2(low)))
	return low, max(2*low, math.Exp2(math.Ceil(math.Log2(high))))
}

func panel(w io.Writer, left, top int, series Series, low, high float64) {
	y := func(cpu float64) float64 {
		return float64(top) + panelHeight*(1-(math.Log(cpu)-math.Log(low))/(math.Log(high)-math.Log(low)))
	}
	first, last := float64(series.Points[0].At), float64(series.Points[len(series.Points)-1].At)
	x := func(at int) float64 {
		return float64(left) + panelWidth*(math.Log(float64(at))-math.Log(first))/(math.Log(last)-math.Log(first))
	}
	for line := low; line <= high; line *= 2 {
		fmt.Fprintf(w, `<path d="M%d %.1fh%d" stroke="#ddd"/><text x="%d" y="%.1f" text-anchor="end" fill="#555">%g</text>`+"\n",
			left, y(line), panelWidth, left-4, y(line)+4, line)
	}
	points := make([]string, len(series.Points))
	for i, p := range series.Points {
		points[i] = fmt.Sprintf("%.1f,%.1f", x(p.At), y(p.CPUEnrich))
		fmt.Fprintf(w, `<circle cx="%.1f" cy="%.1f" r="3" fill="#1f6feb"/><text x="%.1f" y="%d" text-anchor="middle" fill="#555">%d</text>`+"\n",
			x(p.At), y(p.CPUEnrich), x(p.At), top+panelHeight+14, p.At)
	}
	fmt.Fprintf(w, `<polyline points="%s" fill="none" stroke="#1f6feb" stroke-width="2"/>`+"\n", strings.Join(points, " "))
	fmt.Fprintf(w, `<text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", left+panelWidth/2, top+panelHeight+32, series.Of)
}
