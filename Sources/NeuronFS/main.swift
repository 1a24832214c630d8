print("neuronfs")
