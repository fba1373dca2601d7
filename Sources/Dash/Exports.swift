// `import Dash` is enough to write an app: values, JSON and figures come with it.
@_exported public import DashJSON
@_exported public import Jobs
@_exported public import Plotly
