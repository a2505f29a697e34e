"""A few examples a label: texts of one label are drawn together while the labels are learnt."""
