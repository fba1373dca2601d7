/// Plotly's graph objects under the names of their Python classes: `go.Figure(data: [go.Scattergl(y: [1, 2])])`.
public enum go {
    /// A figure; `go.Figure(data:layout:)` as in Python.
    public typealias Figure = Plotly.Figure
}

// Simple charts.
extension go {
    /// Bars.
    public static let Bar = TraceMaker(type: "bar")
    /// Points and lines.
    public static let Scatter = TraceMaker(type: "scatter")
    /// Points and lines drawn by WebGL, for large data.
    public static let Scattergl = TraceMaker(type: "scattergl")
    /// A pie or ring.
    public static let Pie = TraceMaker(type: "pie")
    /// A matrix as colours.
    public static let Heatmap = TraceMaker(type: "heatmap")
    /// A picture of pixels.
    public static let Image = TraceMaker(type: "image")
    /// A table.
    public static let Table = TraceMaker(type: "table")
    /// Contour lines of a matrix.
    public static let Contour = TraceMaker(type: "contour")
}

// Distributions.
extension go {
    /// Counts of values in bins.
    public static let Histogram = TraceMaker(type: "histogram")
    /// Counts of pairs in bins, as colours.
    public static let Histogram2d = TraceMaker(type: "histogram2d")
    /// Counts of pairs in bins, as contour lines.
    public static let Histogram2dContour = TraceMaker(type: "histogram2dcontour")
    /// Boxes of quartiles.
    public static let Box = TraceMaker(type: "box")
    /// Densities.
    public static let Violin = TraceMaker(type: "violin")
}

// Finance and parts.
extension go {
    /// Prices as candles.
    public static let Candlestick = TraceMaker(type: "candlestick")
    /// Prices as ticks.
    public static let Ohlc = TraceMaker(type: "ohlc")
    /// Cumulative gains and losses.
    public static let Waterfall = TraceMaker(type: "waterfall")
    /// Stages of a process.
    public static let Funnel = TraceMaker(type: "funnel")
    /// Stages of a process as areas.
    public static let Funnelarea = TraceMaker(type: "funnelarea")
    /// A number or a gauge.
    public static let Indicator = TraceMaker(type: "indicator")
    /// A hierarchy as nested boxes.
    public static let Treemap = TraceMaker(type: "treemap")
    /// A hierarchy as rings.
    public static let Sunburst = TraceMaker(type: "sunburst")
    /// A hierarchy as bars.
    public static let Icicle = TraceMaker(type: "icicle")
    /// Flows between nodes.
    public static let Sankey = TraceMaker(type: "sankey")
    /// A matrix of scatter plots.
    public static let Splom = TraceMaker(type: "splom")
    /// Parallel axes.
    public static let Parcoords = TraceMaker(type: "parcoords")
    /// Parallel categories.
    public static let Parcats = TraceMaker(type: "parcats")
}

// Space and maps.
extension go {
    /// Points and lines in space.
    public static let Scatter3d = TraceMaker(type: "scatter3d")
    /// A surface over a plane.
    public static let Surface = TraceMaker(type: "surface")
    /// A mesh of triangles.
    public static let Mesh3d = TraceMaker(type: "mesh3d")
    /// Surfaces of equal value.
    public static let Isosurface = TraceMaker(type: "isosurface")
    /// A transparent volume.
    public static let Volume = TraceMaker(type: "volume")
    /// A vector field as cones.
    public static let Cone = TraceMaker(type: "cone")
    /// A vector field as arrows on a plane.
    public static let Quiver = TraceMaker(type: "quiver")
    /// A vector field as tubes.
    public static let Streamtube = TraceMaker(type: "streamtube")
    /// Points and lines by angle and radius.
    public static let Scatterpolar = TraceMaker(type: "scatterpolar")
    /// Points and lines by angle and radius, drawn by WebGL.
    public static let Scatterpolargl = TraceMaker(type: "scatterpolargl")
    /// Bars by angle and radius.
    public static let Barpolar = TraceMaker(type: "barpolar")
    /// Points and lines in ternary coordinates.
    public static let Scatterternary = TraceMaker(type: "scatterternary")
    /// Points and lines on a Smith chart.
    public static let Scattersmith = TraceMaker(type: "scattersmith")
    /// Coordinates of a carpet plot.
    public static let Carpet = TraceMaker(type: "carpet")
    /// Points and lines in the coordinates of a carpet plot.
    public static let Scattercarpet = TraceMaker(type: "scattercarpet")
    /// Contour lines in the coordinates of a carpet plot.
    public static let Contourcarpet = TraceMaker(type: "contourcarpet")
    /// Points and lines on an outline map.
    public static let Scattergeo = TraceMaker(type: "scattergeo")
    /// Regions of an outline map as colours.
    public static let Choropleth = TraceMaker(type: "choropleth")
    /// Points and lines on a tile map.
    public static let Scattermap = TraceMaker(type: "scattermap")
    /// Regions of a tile map as colours.
    public static let Choroplethmap = TraceMaker(type: "choroplethmap")
    /// Densities on a tile map.
    public static let Densitymap = TraceMaker(type: "densitymap")
}
