"""Where runs are followed besides their own folder: TensorBoard and MLflow, each where its setting is present."""
