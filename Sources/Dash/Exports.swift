// `import Dash` includes values, JSON and figures.
@_exported public import DashJSON
@_exported public import Jobs
@_exported public import Plotly
